"""What every registered method must satisfy, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.declared.labels import Labels
from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import Reduction, Retrospective, Subsampler, uses_cells
from evenhand.errors import DataError
from tests.methods.binding import bound, reduction_of

ENTRIES = list(REGISTRY.all("method"))
ONE_GROUP = np.array([[10_000], [300], [20], [1]])
GROUPS = np.array([[9_900, 100], [150, 150], [3, 20], [1, 2]])
EMPTY_CELLS = np.array([[9_900, 100], [150, 150], [0, 20], [1, 0]])


@pytest.fixture(params=ENTRIES, ids=lambda entry: entry.name)
def entry(request):
    return request.param


def made(entry):
    method = REGISTRY.make("method", entry.resolve())
    assert isinstance(method, Method)
    return method


def stages(entry):
    return made(entry).stages


def test_it_trains_or_solves(entry):
    assert stages(entry) or made(entry).refit


def test_it_has_a_title_a_summary_and_a_default_for_every_setting(entry):
    assert entry.title[0].isupper() or entry.title in ("wCE", "cRT")
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
    for stage in stages(entry):
        check_finite(bound(stage.loss, counts), counts, size)


def test_cells_without_an_example_are_refused_by_name_or_do_no_harm(entry):
    refusals = []
    for stage in stages(entry):
        try:
            loss = bound(stage.loss, EMPTY_CELLS)
        except DataError as error:
            refusals.append(str(error))
        else:
            check_finite(loss, EMPTY_CELLS, 1e4)
    assert all("class 2 in group 0" in text for text in refusals)


def check_finite(loss, counts, size):
    labels, logits = every_corner(size)
    rows = labels * counts.shape[1] + torch.arange(len(labels)) % counts.shape[1]
    leaf = logits.clone().requires_grad_()
    losses = loss(leaf, labels, rows=rows)
    losses.sum().backward()
    assert losses.shape == labels.shape and losses.isfinite().all()
    assert (losses >= 0).all() and leaf.grad.isfinite().all()


@pytest.mark.parametrize("counts", [ONE_GROUP, GROUPS], ids=["one group", "groups"])
def test_weights_are_positive_and_divide_to_a_finite_mean(entry, counts):
    rows = torch.arange(counts.size)
    for stage in stages(entry):
        weights = bound(stage.loss, counts).row_weights(rows)
        assert weights.shape == rows.shape and (weights > 0).all()
        # A batch of one class alone, as light as it may be, must not be 0/0.
        assert torch.isfinite(1 / weights).all()
        plain = stage.reduce == "mean"
        assert not plain or weights.eq(1).all()


def test_two_bindings_give_the_same_numbers(entry):
    labels, logits = every_corner(3.0)
    for stage in stages(entry):
        first, again = (bound(stage.loss, ONE_GROUP)(logits, labels, rows=labels) for _ in "ab")
        assert torch.equal(first, again)


def test_half_precision_logits_give_float32_losses(entry):
    labels, logits = every_corner(3.0)
    for stage in stages(entry):
        loss = bound(stage.loss, ONE_GROUP)
        assert loss(logits.bfloat16(), labels, rows=labels).dtype == torch.float32


def test_a_loss_that_is_bound_in_float64_computes_in_float64(entry):
    labels, logits = every_corner(3.0)
    torch.set_default_dtype(torch.float64)
    try:
        for stage in stages(entry):
            loss = bound(stage.loss, ONE_GROUP)
            found = loss(logits.double(), labels, rows=labels)
            vectors = [v for v in vars(loss).values() if isinstance(v, torch.Tensor)]
            assert found.dtype == loss.row_weights(labels).dtype == torch.float64
            assert {v.dtype for v in vectors if v.is_floating_point()} <= {torch.float64}
    finally:
        torch.set_default_dtype(torch.float32)


def test_what_it_reduces_by_is_finite_and_stays_where_it_is(entry):
    """Also in a batch of one cell, whatever its losses."""
    for stage in stages(entry):
        if not isinstance(stage.reduce, Reduction):
            continue
        reduction = reduction_of(stage, GROUPS)
        before = {name: tensor.data_ptr() for name, tensor in reduction.tensors().items()}
        for rows in (torch.arange(8), torch.full((8,), 5)):
            losses = torch.linspace(0, 1e4, 8).requires_grad_()
            reduction.learn(losses.detach(), rows)
            value = reduction(losses, rows, lambda: torch.ones(8))
            value.backward()
            assert value.isfinite() and losses.grad.isfinite().all()
            assert all(np.isfinite(list(reduction.curves().values())))
        assert {name: t.data_ptr() for name, t in reduction.tensors().items()} == before


def test_a_controller_returns_copies_of_the_values_that_it_updates(entry):
    for stage in stages(entry):
        if stage.controller is None:
            continue
        loss, names = bound(stage.loss, GROUPS), {"classes": "abcd", "groups": "xy"}
        controller = stage.controller.bind(loss, GROUPS, GROUPS / GROUPS.sum(), **names)
        before, kept = controller.values(), controller.state()
        assert before and all(np.isfinite(value).all() for value in before.values())
        confused = np.random.default_rng(0).integers(1, 50, (2, 4, 4))
        controller.update(confused)
        after = controller.values()
        assert any((after[name] != before[name]).any() for name in before)
        controller.restore(kept)
        assert all((controller.values()[name] == before[name]).all() for name in before)


def test_a_reduction_over_cells_names_those_that_it_lacks(entry):
    """Any other gives the same number whatever the cells of the examples are."""
    for stage in stages(entry):
        if not isinstance(stage.reduce, Reduction):
            continue
        if not uses_cells(stage.reduce):
            reduction, losses = reduction_of(stage, EMPTY_CELLS), torch.linspace(0, 3, 8)
            values = [
                reduction(losses, rows, lambda: torch.ones(8)) for rows in torch.eye(8).long()
            ]
            assert len({value.item() for value in values}) == 1
        else:
            with pytest.raises(DataError, match="class c in group x, class d in group y"):
                reduction_of(stage, EMPTY_CELLS)


def test_its_sampler_can_draw_every_example_there_is(entry):
    """But for one that says which it keeps."""
    for stage in stages(entry):
        weights = stage.sampler.weights(GROUPS)
        assert weights is None or (weights > 0).all()
        assert weights is None or weights.shape == GROUPS.shape
        if isinstance(stage.sampler, Subsampler):
            kept = stage.sampler.kept(GROUPS)
            assert weights is None and kept.dtype.kind == "i"
            assert (kept > 0).all() and (kept <= GROUPS).all()
        if isinstance(stage.sampler, Retrospective):
            times = stage.sampler.times(np.array([True, False, False]))
            assert weights is None and times.dtype.kind == "i" and (times > 0).all()


def test_a_sampler_refuses_empty_cells_by_name_or_draws_from_the_others(entry):
    refusals = []
    for stage in stages(entry):
        try:
            weights = stage.sampler.weights(EMPTY_CELLS)
            if isinstance(stage.sampler, Subsampler):
                stage.sampler.kept(EMPTY_CELLS)
        except DataError as error:
            refusals.append(str(error))
        else:
            assert weights is None or (weights[EMPTY_CELLS > 0] > 0).all()
    assert all("class 2 in group 0" in text for text in refusals)


def test_its_refit_separates_what_can_be_separated(entry):
    """Twice the same from the same generator; weights for every class and feature."""
    refit = made(entry).refit
    if refit is None:
        return
    labels, groups = np.arange(40) % 2, np.arange(40) // 2 % 2
    features = np.eye(4)[labels] + 0.1 * np.sin(np.arange(160.0)).reshape(40, 4)
    refit.check(Labels(None, 2, 2))
    solved = [
        refit.solve(
            features,
            labels,
            groups,
            training=features,
            counts=np.array([[10, 10], [10, 10]]),
            randomness=np.random.default_rng(0),
        )
        for _ in "ab"
    ]
    assert solved[0].weight.shape == (2, 4) and solved[0].bias.shape == (2,)
    np.testing.assert_array_equal(solved[0].weight, solved[1].weight)
    predicted = (features @ solved[0].weight.T + solved[0].bias).argmax(1)
    np.testing.assert_array_equal(predicted, labels)


def every_corner(size):
    """Each label with each class as the one predicted, by a margin of 2 · size."""
    labels = torch.arange(4).repeat_interleave(4)
    logits = torch.full((16, 4), -size)
    logits[torch.arange(16), torch.arange(16) % 4] = size
    return labels, logits
