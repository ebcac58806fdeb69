"""What every registered method must satisfy, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.spec.method import Method
from harness.spec.registry import REGISTRY
from tests.methods.binding import bound

ENTRIES = list(REGISTRY.all("method"))
ONE_GROUP = np.array([[10_000], [300], [20], [1]])
GROUPS = np.array([[9_900, 100], [150, 150], [0, 20], [1, 0]])


@pytest.fixture(params=ENTRIES, ids=lambda entry: entry.name)
def entry(request):
    return request.param


def stages(entry):
    made = REGISTRY.make("method", entry.resolve())
    assert isinstance(made, Method)
    return made.stages


def test_it_has_a_title_a_summary_and_a_default_for_every_setting(entry):
    assert entry.title[0].isupper() or entry.title == "wCE"
    assert entry.summary.endswith(".") and len(entry.summary) <= 90
    assert set(entry.resolve().settings) == set(entry.settings)


def test_its_aliases_name_it(entry):
    for alias in entry.aliases:
        assert REGISTRY.get("method", alias) is entry


def test_its_declaration_is_hashable_and_made_alike_twice(entry):
    assert entry.make() == entry.make()
    assert hash(entry.make()) == hash(entry.make())


@pytest.mark.parametrize("counts", [ONE_GROUP, GROUPS], ids=["one group", "groups"])
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
def test_loss_and_gradient_are_finite_at_any_logits_and_counts(entry, counts, size):
    n_groups = counts.shape[1]
    labels, logits = every_corner(size)
    rows = labels * n_groups + torch.arange(len(labels)) % n_groups
    for stage in stages(entry):
        loss = bound(stage.loss, counts)
        leaf = logits.clone().requires_grad_()
        losses = loss(leaf, labels, rows)
        losses.sum().backward()
        assert losses.shape == labels.shape and losses.isfinite().all()
        assert (losses >= 0).all() and leaf.grad.isfinite().all()


@pytest.mark.parametrize("counts", [ONE_GROUP, GROUPS], ids=["one group", "groups"])
def test_weights_are_positive_and_divide_to_a_finite_mean(entry, counts):
    rows = torch.arange(counts.size)
    for stage in stages(entry):
        weights = bound(stage.loss, counts).weights(rows)
        assert weights.shape == rows.shape and (weights > 0).all()
        # A batch of one class alone, as light as it may be, must not be 0/0.
        assert torch.isfinite(1 / weights).all()
        assert stage.reduce == "weighted_mean" or weights.eq(1).all()


def test_two_bindings_give_the_same_numbers(entry):
    labels, logits = every_corner(3.0)
    for stage in stages(entry):
        first, again = (bound(stage.loss, ONE_GROUP)(logits, labels, labels) for _ in "ab")
        assert torch.equal(first, again)


def test_half_precision_logits_give_float32_losses(entry):
    labels, logits = every_corner(3.0)
    for stage in stages(entry):
        loss = bound(stage.loss, ONE_GROUP)
        assert loss(logits.bfloat16(), labels, labels).dtype == torch.float32


def test_its_sampler_can_draw_every_example_there_is(entry):
    for stage in stages(entry):
        weights = stage.sampler.weights(GROUPS)
        assert weights is None or (weights[GROUPS > 0] > 0).all()
        assert weights is None or weights.shape == GROUPS.shape


def every_corner(size):
    """Each label with each class as the one predicted, by a margin of 2 · size."""
    labels = torch.arange(4).repeat_interleave(4)
    logits = torch.full((16, 4), -size)
    logits[torch.arange(16), torch.arange(16) % 4] = size
    return labels, logits
