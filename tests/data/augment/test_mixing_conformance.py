"""What every registered mixing must satisfy, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from evenhand.data.augment.mixing import BoundMixing, Mixed, Mixing, check_mixed
from evenhand.declared.decorators import mixing
from evenhand.declared.registry import REGISTRY
from tests.train.trials import RESNET, make, result, run, stopped_and_resumed

OWN = "cut_of_a_plugin"
NAMES = [*(entry.name for entry in REGISTRY.all("mixing")), OWN]
ONE_GROUP = np.array([[10_000], [300], [20], [0]])
GROUPS = np.array([[9_900, 100], [150, 150], [3, 20], [1, 0]])
SHAPES = {"images": (3, 4, 4), "grey": (1, 4, 4), "features": (5, 1, 1)}


@dataclass(frozen=True)
class Cut:
    """Mixing of a plugin: some rows of the partner's image, with labels by their share."""

    def bind(self, counts, device):
        return cut


def cut(images, labels, generator):
    n, height = len(images), images.shape[2]
    partner = torch.rand(n, generator=generator, device=images.device).argsort()
    until = torch.rand(n, 1, 1, 1, generator=generator, device=images.device)
    rows = (torch.arange(height, device=images.device) + 0.5) / height
    is_own = rows[:, None] < until
    share = is_own.float().mean((1, 2, 3))
    return Mixed(torch.where(is_own, images, images[partner]), partner, share)


@pytest.fixture(params=NAMES)
def entry(request, unregistered):
    """Each registered mixing, and one of a plugin."""
    if request.param == OWN:

        @mixing(name=OWN, cite="me2026", title="Cut")
        def own() -> Mixing:
            """Mixing that cuts images."""
            return Cut()

    return REGISTRY.get("mixing", request.param)


def drawn(entry, *, n=64, shape=(3, 4, 4), counts=GROUPS, seed=0, before=0):
    """A mixed batch; `before` batches are drawn from the generator first."""
    images = torch.randn(n, *shape, generator=torch.Generator().manual_seed(5))
    images, labels = images.contiguous(memory_format=torch.channels_last), torch.arange(n) % 4
    kept = images.clone(), labels.clone()
    bound = entry.make().bind(counts, "cpu")
    assert isinstance(bound, BoundMixing)
    generator = torch.Generator().manual_seed(seed)
    mixed = [bound(images, labels, generator) for _ in range(before + 1)][-1]
    assert torch.equal(images, kept[0]) and torch.equal(labels, kept[1])
    return images, mixed


def test_it_has_a_title_a_source_a_summary_and_a_default_for_every_setting(entry):
    assert entry.title and entry.cite
    assert entry.summary.endswith(".") and len(entry.summary) <= 90
    assert set(entry.resolve().settings) == set(entry.settings)


def test_its_declaration_is_hashable_and_made_alike_twice(entry):
    assert isinstance(entry.make(), Mixing)
    assert entry.make() == entry.make() and hash(entry.make()) == hash(entry.make())


@pytest.mark.parametrize("counts", [ONE_GROUP, GROUPS], ids=["one group", "groups"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("n", [2, 64])
def test_every_example_has_a_partner_and_a_share(entry, counts, shape, n):
    images, mixed = drawn(entry, n=n, shape=shape, counts=counts)
    check_mixed(mixed, n)
    assert mixed.images.shape == images.shape and mixed.images.dtype == images.dtype
    assert mixed.images.isfinite().all()
    assert mixed.partner.dtype == torch.int64
    assert ((mixed.partner >= 0) & (mixed.partner < n)).all()
    assert mixed.share.is_floating_point()
    assert ((mixed.share >= 0) & (mixed.share <= 1)).all()


def test_it_draws_from_its_generator_alone(entry):
    before = torch.get_rng_state()
    first, again, other = (drawn(entry, seed=seed)[1] for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.images, other.images)
    assert torch.equal(torch.get_rng_state(), before)


def test_batches_of_one_generator_differ(entry):
    first, second = drawn(entry)[1], drawn(entry, before=1)[1]
    assert not torch.equal(first.images, second.images)


def test_labels_of_equal_counts_have_about_the_same_weight(entry):
    """The weight of an example is its own share, and the rest of those whose partner it is."""
    total = torch.zeros(64)
    for seed in range(200):
        _, mixed = drawn(entry, counts=np.full((4, 1), 10), seed=seed)
        rest = 1 - mixed.share.float()
        total += mixed.share.float().index_add(0, mixed.partner, rest)
    by_label = (total / 200).reshape(16, 4).mean(0)
    assert by_label.tolist() == pytest.approx([1.0] * 4, abs=0.1)


def test_training_mixes_and_can_be_repeated_and_resumed(entry):
    trial = make(epochs=3, mixing=entry.resolve(), **RESNET)
    first = run(trial)
    assert np.isfinite(first.curves["train_loss"]).all()
    assert result(first) == result(run(trial))
    assert result(first) != result(run(make(epochs=3, **RESNET)))
    assert result(stopped_and_resumed(trial, stop_after=5)) == result(first)
