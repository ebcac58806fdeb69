"""How a batch's losses become one number where cells count: by hand, and where cells lack."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.declared.stage_parts import BoundReduction, Reduction
from evenhand.errors import DataError
from evenhand.losses.reductions import CVaR, GroupDRO, RiskGaps

COUNTS = np.array([[30, 4], [8, 15]])
NAMES = {"classes": ("landbird", "waterbird"), "groups": ("land", "water")}
ROWS = torch.tensor([0, 0, 1, 2, 3, 3])
LOSSES = torch.tensor([1.0, 3.0, 5.0, 7.0, 0.5, 1.5])
RISKS = np.array([2.0, 5.0, 7.0, 1.0])
ONE = torch.ones(6)
OVER_CELLS = [GroupDRO(), GroupDRO(0.1, 2.0), RiskGaps(), RiskGaps(0.1)]
SPECS = [*OVER_CELLS, CVaR(0.3)]


def bind(spec, counts=COUNTS):
    return spec.bind(counts, "cpu", **NAMES)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_they_are_what_a_stage_reduces_by(spec):
    assert isinstance(spec, Reduction) and isinstance(bind(spec), BoundReduction)
    assert hash(spec) == hash(spec)


@pytest.mark.parametrize("adjustment", [0.0, 3.0])
def test_the_weights_of_dro_are_the_update_by_hand_over_three_steps(adjustment):
    dro = bind(GroupDRO(0.1, adjustment))
    q = np.full(4, 0.25)
    for step in range(3):
        losses = LOSSES * (step + 1)
        q = q * np.exp(0.1 * (RISKS * (step + 1) + adjustment / np.sqrt(COUNTS.ravel())))
        q = q / q.sum()
        dro.learn(losses, ROWS)
        assert dro(losses, ROWS, ONE).item() == pytest.approx(q @ RISKS * (step + 1))
        np.testing.assert_allclose(list(dro.curves().values()), q)


def test_a_cell_that_is_not_in_the_batch_keeps_its_weight_up_to_the_normalisation():
    dro = bind(GroupDRO(0.1, 3.0))
    here = ROWS != 2
    dro.learn(LOSSES[here], ROWS[here])
    gain = np.exp(0.1 * (RISKS + 3.0 / np.sqrt(COUNTS.ravel())))
    gain[2] = 1.0
    np.testing.assert_allclose(list(dro.curves().values()), gain / gain.sum())
    value = dro(LOSSES[here], ROWS[here], ONE[here])
    assert value.item() == pytest.approx((gain * RISKS)[[0, 1, 3]].sum() / gain.sum())


def test_dro_without_a_step_is_the_mean_of_the_risks():
    dro = bind(GroupDRO(0.0))
    for _ in range(3):
        dro.learn(LOSSES, ROWS)
    assert dro(LOSSES, ROWS, ONE).item() == pytest.approx(RISKS.mean())


def test_dro_of_one_cell_is_the_mean_of_the_losses():
    dro = GroupDRO(0.5).bind(np.array([[9]]), "cpu", classes=("a",), groups=("all",))
    rows = torch.zeros(6, dtype=torch.int64)
    dro.learn(LOSSES, rows)
    assert dro(LOSSES, rows, ONE).item() == pytest.approx(LOSSES.mean().item())


def test_dro_ends_with_the_cell_that_stays_worst():
    dro = bind(GroupDRO(0.5))
    for _ in range(50):
        dro.learn(LOSSES, ROWS)
    assert dro(LOSSES, ROWS, ONE).item() == pytest.approx(7.0, rel=1e-6)


def test_a_weight_that_became_tiny_comes_back():
    """As a product it would underflow to 0 and stay there."""
    dro = bind(GroupDRO(1.0))
    dro.learn(1e4 * LOSSES, ROWS)
    assert min(dro.curves().values()) == 0.0
    turned = torch.tensor([0.0, 0.0, 0.0, 0.0, 8e4, 8e4])
    dro.learn(turned, ROWS)
    assert dro.curves()["group weight waterbird/water"] == pytest.approx(1.0)


def test_the_gradient_of_dro_does_not_pass_through_its_weights():
    dro = bind(GroupDRO(0.1))
    losses = LOSSES.clone().requires_grad_()
    dro.learn(losses.detach(), ROWS)
    dro(losses, ROWS, ONE).backward()
    q = np.array(list(dro.curves().values()))
    np.testing.assert_allclose(losses.grad, (q / [2, 1, 1, 2])[ROWS])


def test_the_weights_of_dro_are_named_by_class_and_group_and_kept_in_place():
    dro = bind(GroupDRO())
    (kept,) = dro.tensors().values()
    before = kept.data_ptr(), kept.clone()
    dro.learn(LOSSES, ROWS)
    assert list(dro.curves()) == [
        "group weight landbird/land",
        "group weight landbird/water",
        "group weight waterbird/land",
        "group weight waterbird/water",
    ]
    assert dro.tensors()["log_weights"].data_ptr() == before[0]
    assert not torch.equal(kept, before[1])


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_gaps_of_two_classes_and_groups_are_the_sum_by_hand(share):
    """|L_+1 − L_+2| + |L_−1 − L_−2|, without ½."""
    expected = share * LOSSES.mean().item() + (1 - share) * (abs(2 - 5) + abs(7 - 1))
    assert bind(RiskGaps(share))(LOSSES, ROWS, ONE).item() == pytest.approx(expected)


def test_of_more_groups_the_gap_is_between_the_extremes():
    names = {"classes": ("a", "b"), "groups": ("x", "y", "z")}
    gaps = RiskGaps().bind(np.ones((2, 3), dtype=int), "cpu", **names)
    losses, rows = torch.tensor([1.0, 5.0, 2.0, 3.0, 3.5, 3.0]), torch.arange(6)
    assert gaps(losses, rows, ONE).item() == pytest.approx(4 + 0.5)


@pytest.mark.parametrize("absent", [[1], [0, 1], [2, 3], [0, 1, 2]])
def test_a_class_with_one_group_in_the_batch_adds_no_gap_and_no_slope(absent):
    here = ~torch.isin(ROWS, torch.tensor(absent))
    losses = LOSSES[here].clone().requires_grad_()
    value = bind(RiskGaps())(losses, ROWS[here], ONE[here])
    value.backward()
    gap = {0: abs(2 - 5), 1: abs(7 - 1)}
    left = [y for y in (0, 1) if not {2 * y, 2 * y + 1} & {*absent}]
    assert value.item() == pytest.approx(sum(gap[y] for y in left))
    assert losses.grad.isfinite().all()
    for y in (0, 1):
        assert losses.grad[ROWS[here] // 2 == y].any() == (y in left)


@pytest.mark.parametrize("spec", OVER_CELLS, ids=str)
def test_a_cell_without_an_example_is_named(spec):
    with pytest.raises(DataError, match="1 of 2 × 2 cells: class waterbird in group land"):
        bind(spec, np.array([[3, 1], [0, 2]]))


def test_one_group_has_no_gap():
    with pytest.raises(DataError, match=r"one group alone \(all\) has no gap"):
        RiskGaps().bind(np.array([[3], [1]]), "cpu", classes=("a", "b"), groups=("all",))


@pytest.mark.parametrize("alpha", [0.01, 1 / 6, 0.3, 0.5, 0.9, 1.0])
def test_cvar_is_its_dual_problem_in_eta(alpha):
    """min_η η + Σ max(ℓ − η, 0) / (α n), which is piecewise linear with its kinks at the losses."""
    losses = LOSSES.double().numpy()
    by_hand = min(eta + np.maximum(losses - eta, 0).sum() / (alpha * 6) for eta in losses)
    assert bind(CVaR(alpha))(LOSSES, ROWS, ONE).item() == pytest.approx(by_hand)


@pytest.mark.parametrize(("alpha", "q"), [(0.5, [0, 1 / 3, 1 / 3, 1 / 3, 0, 0])])
def test_the_gradient_of_cvar_is_the_worst_distribution(alpha, q):
    losses = LOSSES.clone().requires_grad_()
    bind(CVaR(alpha))(losses, ROWS, ONE).backward()
    np.testing.assert_allclose(losses.grad, q, rtol=1e-6)


def test_cvar_of_all_examples_is_the_mean():
    assert bind(CVaR(1.0))(LOSSES, ROWS, ONE).item() == pytest.approx(LOSSES.mean().item())
