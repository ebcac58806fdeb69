"""Learned losses before anything is learned, by hand, and what shares what."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.errors import DataError
from evenhand.losses.clusters import cluster_name
from evenhand.losses.learned import LearnedScaling
from evenhand.losses.per_class import Constant, InversePrior, LogPrior
from evenhand.losses.vector_scaling import VectorScaling

COUNTS = np.array([[400], [60], [7], [1]])
GROUPED = np.array([[390, 10], [30, 30], [6, 1], [2, 5]])
WATERBIRDS = np.array([[3498, 184], [56, 1057]])
BATCH = 12
LABELS = torch.arange(BATCH) % 4
SIGMOID_1 = 0.7310585786300049


def start(counts=COUNTS, learn=("l", "delta"), **settings):
    return LearnedScaling(learn, **settings).bind(counts, "cpu")


def same(one, other, logits):
    torch.testing.assert_close(one(logits, LABELS, rows=LABELS), other(logits, LABELS, rows=LABELS))
    torch.testing.assert_close(one.weights(LABELS), other.weights(LABELS))


@pytest.mark.parametrize("learn", [("l",), ("delta",), ("l", "delta"), ("tau",), ("l", "tau")])
def test_with_la_it_starts_as_logit_adjustment(learn, logits):
    same(
        start(learn=learn, la_init=True),
        VectorScaling(delta=LogPrior(1.0)).bind(COUNTS, "cpu"),
        logits,
    )


@pytest.mark.parametrize("learn", [("l",), ("delta",), ("tau",), ("w",), ("l", "delta", "w")])
def test_without_it_starts_as_balanced_cross_entropy(learn, logits):
    same(start(learn=learn), VectorScaling(alpha=InversePrior()).bind(COUNTS, "cpu"), logits)


@pytest.mark.parametrize("learn", [("l",), ("delta",), ("l", "delta")])
def test_as_released_it_starts_from_plain_cross_entropy_of_logits_times_sigmoid_of_one(
    learn, logits
):
    released = {"weights": "ones", "multiplier": "sigmoid"}
    plain = VectorScaling(beta=Constant(SIGMOID_1))
    same(start(learn=learn, **released), plain.bind(COUNTS, "cpu"), logits)
    la = VectorScaling(beta=Constant(SIGMOID_1), delta=LogPrior(1.0))
    same(start(learn=learn, la_init=True, **released), la.bind(COUNTS, "cpu"), logits)


def test_where_it_starts_l_and_with_it_the_margin_rises_with_the_log_prior():
    """The direction that Fig. 3 of li2021autobalance has the other way round."""
    l_start = start(la_init=True).parameters()["l"]
    torch.testing.assert_close(l_start, torch.tensor(np.log(COUNTS[:, 0] / COUNTS.sum())))
    assert (l_start.diff() < 0).all(), "classes are in order of frequency"


def test_a_smaller_l_favours_a_class(logits):
    loss = start()
    logits.requires_grad_()
    before = torch.autograd.grad(loss(logits, LABELS, rows=LABELS).sum(), logits)[0]
    loss.parameters()["l"][3] -= 1
    after = torch.autograd.grad(loss(logits, LABELS, rows=LABELS).sum(), logits)[0]
    assert (after[:, 3] < before[:, 3]).all(), "descent raises the logit of class 3 by more"


def test_tau_scales_the_log_prior(logits):
    loss = start(learn=("tau",), la_init=True)
    (tau,) = loss.parameters().values()
    tau.fill_(1.7)
    same(loss, VectorScaling(delta=LogPrior(1.7)).bind(COUNTS, "cpu"), logits)
    assert loss.curves() == {"learned τ": pytest.approx(1.7)}


def test_the_formula_written_out_with_groups():
    """Eq. 4.2: the group of an example says which column its logits are adjusted by."""
    loss = start(GROUPED, ("l", "delta", "w"))
    rng = np.random.default_rng(0)
    raw = {name: rng.normal(size=8) for name in ("l", "delta", "w")}
    for name, tensor in loss.parameters().items():
        tensor.copy_(torch.tensor(raw[name]))
    order = np.argsort(-GROUPED.ravel(), kind="stable")
    by_cell = {k: np.empty(8) for k in raw}
    for name, values in raw.items():
        by_cell[name][order] = values
    offset, delta, w = (by_cell[k].reshape(4, 2) for k in ("l", "delta", "w"))
    f, y, g = rng.normal(size=(8, 4)), np.arange(8) // 2, np.arange(8) % 2
    z = f / (1 + np.exp(-delta[:, g].T)) / SIGMOID_1 + offset[:, g].T
    expected = np.exp(w[y, g]) * (np.log(np.exp(z).sum(1)) - z[np.arange(8), y])

    found = loss(torch.tensor(f), torch.tensor(y), rows=torch.arange(8))

    np.testing.assert_allclose(found, expected)


def test_with_groups_la_is_conditioned_on_the_group_and_weighted_by_it():
    loss = start(WATERBIRDS, la_init=True)
    offset = [[-0.0159, -1.9087], [-4.1505, -0.1605]]
    np.testing.assert_allclose(loss.offset(), offset, atol=5e-5)
    of_group = WATERBIRDS.sum(0)
    expected = WATERBIRDS.sum() / np.tile(of_group, 2)
    np.testing.assert_allclose(loss.row_weights(torch.arange(4)), expected)


def test_with_groups_balanced_weights_are_those_of_the_cells():
    loss = start(GROUPED)
    np.testing.assert_allclose(loss.row_weights(torch.arange(8)), GROUPED.sum() / GROUPED.ravel())


def test_clusters_share_and_start_from_their_middle_class():
    counts = np.array([[5], [100], [50], [20], [10]])
    loss = start(counts, ("l", "w"), cluster=2, la_init=True)
    prior = counts[:, 0] / counts.sum()
    np.testing.assert_allclose(loss.parameters()["l"], np.log(prior[[2, 4, 0]]))
    loss.parameters()["l"][1] = 7.0
    assert (loss.offset()[:, 0] == 7.0).tolist() == [False, False, False, True, True]
    assert list(loss.curves()) == [
        f"learned {letter} {name}"
        for letter in "lw"
        for name in ("classes 1–2", "classes 3–4", "0")
    ]


def test_weights_that_are_not_learned_stay_each_class_s_own():
    loss = start(learn=("l",), cluster=2)
    np.testing.assert_allclose(loss.row_weights(torch.arange(4)), COUNTS.sum() / COUNTS[:, 0])


@pytest.mark.parametrize(
    ("cells", "n_groups", "name"),
    [
        ([3], 1, "3"),
        ([4, 3, 5], 1, "classes 3–5"),
        ([9, 2], 1, "classes 9, 2"),
        ([9, 2, 5, 1], 1, "classes 9, 2, 5, … (4)"),
        ([3], 2, "class 1, group 1"),
        ([3, 0], 2, "class 1, group 1 and 1 more"),
    ],
)
def test_a_cluster_is_called_by_its_classes(cells, n_groups, name):
    assert cluster_name(cells, n_groups) == name


def test_curves_hold_delta_before_its_sigmoid_and_the_weights_themselves():
    curves = start(learn=("delta", "w")).curves()
    assert curves["learned Δ 0"] == 1.0
    assert curves["learned w 3"] == pytest.approx(468)


def test_all_that_is_learned_has_a_slope_and_keeps_none_of_its_own(logits):
    loss = start(learn=("l", "delta", "tau", "w"))
    learned = list(loss.parameters().values())
    assert all(tensor.is_leaf and not tensor.requires_grad for tensor in learned)
    for tensor in learned:
        tensor.requires_grad_()
    slopes = torch.autograd.grad(loss(logits, LABELS, rows=LABELS).sum(), learned)
    assert all((slope != 0).all() for slope in slopes)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([[3], [0], [2], [0]], "no training example of 2 of 4 classes: 1, 3"),
        ([[3, 1], [0, 2]], "1 of 2 × 2 cells: class 1 in group 0"),
    ],
)
def test_what_has_no_example_is_named(counts, said):
    with pytest.raises(DataError, match=said):
        start(np.array(counts))
