"""Losses over (label, group) cells: the formulas written out, and what falls back to what."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evenhand import losses
from evenhand.errors import DataError
from evenhand.losses.groups import GroupScaling
from evenhand.losses.mixture import Mixture
from evenhand.losses.per_cell import (
    CellPower,
    EveryLogit,
    InverseCell,
    InverseGroup,
    LogPriorInGroup,
    OwnOffset,
    WithinGroup,
    present_cells,
)
from evenhand.losses.per_class import CountPower, InversePrior, LogPrior
from evenhand.losses.vector_scaling import VectorScaling

WATERBIRDS = np.array([[3498, 184], [56, 1057]])
COUNTS = np.array([[390, 10, 5], [30, 30, 7], [6, 1, 8], [1, 2, 3]])
ONE_GROUP = COUNTS.sum(1, keepdims=True)


@pytest.fixture
def labels():
    return torch.arange(12) % 4


@pytest.fixture
def groups():
    return torch.arange(12) // 4


@pytest.fixture
def rows(labels, groups):
    return labels * 3 + groups


def test_the_margins_of_waterbirds_are_the_published_ones():
    beta = CellPower(1.0)(WATERBIRDS).ravel()
    np.testing.assert_allclose(beta, [1, 0.05260, 0.01601, 0.30217], atol=5e-6)
    factors = CellPower(0.3)(WATERBIRDS).ravel()
    np.testing.assert_allclose(factors, [1, 0.41333, 0.28927, 0.69836], atol=5e-6)
    offsets = CellPower(-0.3, factor=-1.0)(WATERBIRDS).ravel()
    np.testing.assert_allclose(offsets, [-1, -2.41936, -3.45692, -1.43194], atol=5e-6)


def test_the_offsets_within_groups_of_waterbirds_are_log_priors():
    land, water = LogPriorInGroup()(WATERBIRDS).T
    np.testing.assert_allclose(land, [-0.0159, -4.1505], atol=5e-5)
    np.testing.assert_allclose(water, [-1.9087, -0.1605], atol=5e-5)


def test_two_logits_in_equation_3_are_its_binary_loss():
    """log(1 + exp(β_s^−γ) · exp(−β_s^γ · y f)), with f the difference of the logits."""
    logits = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    labels, rows = torch.arange(40) % 4 // 2, torch.arange(40) % 4
    beta = (WATERBIRDS / WATERBIRDS.max()).ravel()[rows]
    margin = ((2 * labels - 1) * (logits[:, 1] - logits[:, 0])).numpy()
    by_hand = np.log1p(np.exp(beta**-0.3 - beta**0.3 * margin))
    loss = losses.group_vs(0.3, "equation_3").bind(WATERBIRDS, "cpu")
    np.testing.assert_allclose(loss(logits, labels, rows=rows), by_hand)


def test_equation_3_is_the_formula_written_out(logits, labels, rows):
    """log(1 + Σ_c≠y exp(β_s^−γ + β_s^γ (f_c − f_y))), whatever the number of classes and groups."""
    beta = (COUNTS / COUNTS.max()).ravel()[rows]
    f = logits.numpy()
    by_hand = [
        np.log1p(sum(np.exp(b**-0.2 + b**0.2 * (f[i, c] - f[i, y])) for c in range(4) if c != y))
        for i, (y, b) in enumerate(zip(labels, beta, strict=True))
    ]
    loss = losses.group_vs(0.2, "equation_3").bind(COUNTS, "cpu")
    np.testing.assert_allclose(loss(logits, labels, rows=rows), by_hand)


def test_the_form_of_autobalance_is_the_formula_written_out(logits, labels, groups, rows):
    """Softmax over k of β_kg^γ f_k − β_kg^−γ, for an example of group g."""
    beta = (COUNTS / COUNTS.max())[:, groups].T
    z = beta**0.2 * logits.numpy() - beta**-0.2
    by_hand = [np.log(np.exp(z[i]).sum()) - z[i, y] for i, y in enumerate(labels)]
    loss = losses.group_vs(0.2, "autobalance").bind(COUNTS, "cpu")
    np.testing.assert_allclose(loss(logits, labels, rows=rows), by_hand)


def test_logit_adjustment_within_groups_is_the_formula_written_out(logits, labels, groups, rows):
    n = COUNTS[:, groups].T
    z = logits.numpy() + np.log(n / n.sum(1, keepdims=True))
    weights = COUNTS.sum() / (COUNTS.shape[1] * n.sum(1))
    by_hand = [w * (np.log(np.exp(z[i]).sum()) - z[i, labels[i]]) for i, w in enumerate(weights)]
    loss = GroupScaling(InverseGroup(), delta=WithinGroup(LogPriorInGroup())).bind(COUNTS, "cpu")
    np.testing.assert_allclose(loss(logits, labels, rows=rows), by_hand)
    np.testing.assert_allclose(loss.row_weights(rows), weights)


def test_group_vs_as_released_is_group_cdt(logits, labels, rows):
    vs, cdt = (
        made(0.3, "released").bind(COUNTS, "cpu") for made in (losses.group_vs, losses.group_cdt)
    )
    torch.testing.assert_close(vs(logits, labels, rows=rows), cdt(logits, labels, rows=rows))


def test_group_la_as_released_is_cross_entropy(logits, labels, rows):
    loss = losses.group_la(0.3, "released").bind(COUNTS, "cpu")
    expected = F.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(loss(logits, labels, rows=rows), expected)


def test_the_offset_of_equation_3_is_no_such_thing(logits, labels, rows):
    """What the released code leaves of Group-VS is another loss, by more than rounding."""
    true, released = (
        losses.group_vs(0.3, form).bind(COUNTS, "cpu") for form in ("equation_3", "released")
    )
    assert (true(logits, labels, rows=rows) - released(logits, labels, rows=rows)).min() > 0.1


def test_group_cdt_is_released_as_equation_3_reads():
    assert losses.group_cdt(0.3, "released") == losses.group_cdt(0.3, "equation_3")


@pytest.mark.parametrize("form", ["equation_3", "released", "autobalance"])
def test_group_cdt_without_an_exponent_is_cross_entropy(form, logits, labels, rows):
    loss = losses.group_cdt(0.0, form).bind(COUNTS, "cpu")
    expected = F.cross_entropy(logits, labels, reduction="none")
    assert torch.equal(loss(logits, labels, rows=rows), expected)


@pytest.mark.parametrize("form", ["released", "autobalance"])
def test_the_same_offset_on_all_logits_is_cross_entropy(form, logits, labels, rows):
    loss = losses.group_vs(0.0, form).bind(COUNTS, "cpu")
    expected = F.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(loss(logits, labels, rows=rows), expected)


def test_equation_3_without_an_exponent_has_a_margin_of_1(logits, labels, rows):
    loss = losses.group_vs(0.0, "equation_3").bind(COUNTS, "cpu")
    expected = F.cross_entropy(logits - F.one_hot(labels, 4), labels, reduction="none")
    torch.testing.assert_close(loss(logits, labels, rows=rows), expected)


def test_a_rare_cell_costs_more_at_the_start():
    """The sign of ι: at equal logits the smallest cell has the greatest loss and slope."""
    order = np.argsort(-WATERBIRDS.ravel())
    rows = torch.arange(4)
    for form in ("equation_3", "autobalance"):
        logits = torch.zeros(4, 2, requires_grad=True)
        values = losses.group_la(0.3, form).bind(WATERBIRDS, "cpu")(logits, rows // 2, rows=rows)
        if form == "equation_3":
            assert (values[order].diff() > 0).all()
        else:
            # Of each group, the rarer label: waterbirds on land, landbirds on water.
            assert values[2] > values[0] and values[1] > values[3]
        values.sum().backward()
        slope = -logits.grad[rows, rows // 2]
        assert (slope[order].diff() > 0).all() or form == "autobalance"


def test_with_one_group_the_form_of_autobalance_is_that_of_classes(logits, labels):
    pairs = [
        (losses.group_cdt(0.2, "autobalance"), VectorScaling(beta=CountPower(0.2))),
        (GroupScaling(delta=WithinGroup(LogPriorInGroup())), VectorScaling(delta=LogPrior(1.0))),
        (GroupScaling(alpha=InverseGroup()), VectorScaling()),
    ]
    for cells, classes in pairs:
        a, b = (
            loss.bind(ONE_GROUP, "cpu")(logits, labels, rows=labels) for loss in (cells, classes)
        )
        torch.testing.assert_close(a, b)


def test_the_inverse_of_a_cell_is_that_of_a_class_with_one_group():
    weights = InverseCell()(ONE_GROUP)[:, 0]
    np.testing.assert_allclose(weights, InversePrior()(ONE_GROUP.sum(1)) / 4)
    assert np.average(InverseCell()(COUNTS), weights=COUNTS) == pytest.approx(1.0)


def test_inverse_cells_make_the_mean_over_all_examples_that_of_the_cells():
    generator = torch.Generator().manual_seed(0)
    rows = torch.repeat_interleave(torch.arange(12), torch.tensor(COUNTS.ravel()))
    labels = rows // 3
    logits = torch.randn(len(rows), 4, generator=generator)
    plain = F.cross_entropy(logits, labels, reduction="none")
    expected = torch.stack([plain[rows == s].mean() for s in range(12)]).mean()
    loss = GroupScaling(alpha=InverseCell()).bind(COUNTS, "cpu")
    torch.testing.assert_close(loss(logits, labels, rows=rows).mean(), expected)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_a_mixture_is_the_sum_of_its_shares(share, logits, labels, rows):
    second = GroupScaling(InverseCell(), delta=OwnOffset(CellPower(-0.3, -1.0)))
    mixed = Mixture(GroupScaling(), second, share).bind(COUNTS, "cpu")
    b = second.bind(COUNTS, "cpu")
    plain = F.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(
        mixed(logits, labels, rows=rows), share * plain + (1 - share) * b(logits, labels, rows=rows)
    )
    torch.testing.assert_close(mixed.row_weights(rows), share + (1 - share) * b.row_weights(rows))


def test_vectors_that_agree_on_all_rows_are_kept_once():
    loss = GroupScaling(delta=EveryLogit(CellPower(0.3))).bind(COUNTS, "cpu")
    assert loss.alpha.shape == (12,)
    assert loss.beta.shape == (1, 4)
    assert loss.delta.shape == (12, 4)


def test_the_gradient_agrees_with_finite_differences(logits, labels, rows):
    loss = losses.group_vs(0.3, "equation_3").bind(COUNTS, "cpu")
    assert torch.autograd.gradcheck(
        lambda f: loss(f, labels, rows=rows), logits.clone().requires_grad_()
    )


VECTORS = [CellPower(0.3), InverseCell(), InverseGroup(), LogPriorInGroup()]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: type(v).__name__)
def test_cells_without_an_example_are_named_and_refused(vector):
    counts = np.array([[9, 0], [3, 1], [0, 4]])
    with pytest.raises(DataError) as error:
        vector(counts)
    text = str(error.value)
    assert "2 of 3 × 2 cells: class 0 in group 1, class 2 in group 0" in text
    assert "the others hold 1 to 9" in text


def test_cells_are_called_by_name_where_names_are_known():
    with pytest.raises(DataError, match="class waterbird in group land"):
        present_cells(
            np.array([[5, 1], [0, 4]]), classes=("landbird", "waterbird"), groups=("land", "water")
        )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: type(v).__name__)
def test_vectors_are_float64_over_cells(vector):
    found = vector(COUNTS)
    assert found.shape == COUNTS.shape and found.dtype == np.float64
    for lift in (EveryLogit, OwnOffset, WithinGroup):
        assert lift(vector)(COUNTS).shape == (4, 3, 4)
