"""Hard-margin machines: against scikit-learn, against each other, and on what they cannot solve."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

from evenhand.data.sources.mixtures import gaussian_mixture, group_gaussian_mixture
from evenhand.declared.labels import Labels
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError, SpecError
from evenhand.refits.margins import CostSensitiveMargin, GroupMargin, rarest
from tests.methods.binding import bound

LABELLED = gaussian_mixture(n=60, d=40, means="orthogonal").train
GROUPED = group_gaussian_mixture(n=60, d=60, p=0.2).train


def line(refit, images):
    """(w, b) of the solved head."""
    features = images.pixels[:, 0, 0].astype(np.float64)
    solved = refit.solve(
        features,
        images.labels,
        images.groups,
        training=features,
        counts=images.counts(2, 1 + int(images.groups.max())),
        randomness=np.random.default_rng(0),
    )
    return np.append(solved.weight[1] - solved.weight[0], solved.bias[1] - solved.bias[0])


def margins(images, at):
    signs = 2.0 * images.labels - 1
    return signs * (images.pixels[:, 0, 0] @ at[:-1] + at[-1])


def test_at_one_it_is_the_svm_of_scikit_learn():
    svc = SVC(C=1e8, kernel="linear", tol=1e-8).fit(LABELLED.pixels[:, 0, 0], LABELLED.labels)
    expected = np.append(svc.coef_[0], svc.intercept_)
    np.testing.assert_allclose(line(CostSensitiveMargin(1.0), LABELLED), expected, atol=1e-4)


@pytest.mark.parametrize("delta", [0.3, 3.0])
def test_cs_svm_is_an_affine_map_of_svm(delta):
    mapped = (delta + 1) / 2 * line(CostSensitiveMargin(1.0), LABELLED)
    mapped[-1] += (delta - 1) / 2
    np.testing.assert_allclose(line(CostSensitiveMargin(delta), LABELLED), mapped, atol=1e-5)


@pytest.mark.parametrize("intercept", [True, False])
def test_every_example_keeps_its_margin_and_some_of_each_no_more(intercept):
    at = line(CostSensitiveMargin(4.0, intercept), LABELLED)
    kept, is_rare = margins(LABELLED, at), LABELLED.labels == 1
    assert kept[is_rare].min() == pytest.approx(4, abs=1e-5)
    assert kept[~is_rare].min() == pytest.approx(1, abs=1e-5)
    assert intercept or at[-1] == 0


def test_gs_svm_keeps_its_margins_by_group_and_is_svm_at_one():
    at = line(GroupMargin(3.0), GROUPED)
    kept, is_rare = margins(GROUPED, at), GROUPED.groups == 1
    assert kept[is_rare].min() == pytest.approx(3, abs=1e-5)
    assert kept[~is_rare].min() == pytest.approx(1, abs=1e-5)
    svm = line(CostSensitiveMargin(1.0), GROUPED)
    np.testing.assert_allclose(line(GroupMargin(1.0), GROUPED), svm, atol=1e-6)


def test_the_rarest_of_equals_is_the_last():
    assert [rarest(np.array(n)) for n in ([9, 1], [1, 9], [5, 5])] == [1, 0, 1]


def test_what_no_line_separates_is_refused_with_how_far_it_is_from_that():
    few = gaussian_mixture(n=60, d=40, features=3, means="orthogonal").train
    with pytest.raises(DataError, match=r"leaves \d+ of 60 examples on the wrong side"):
        line(CostSensitiveMargin(1.0), few)
    with pytest.raises(DataError, match="no line separates"):
        line(CostSensitiveMargin(1.0, intercept=False), few)


def test_other_than_two_classes_or_groups_are_refused_before_anything_trains():
    with pytest.raises(SpecError, match="two classes, and the problem has 3"):
        CostSensitiveMargin(1.0).check(Labels(None, 3, 1))
    with pytest.raises(SpecError, match="two groups, and the problem has 1"):
        GroupMargin(1.0).check(Labels(None, 2, 1))
    GroupMargin(1.0).check(Labels(None, 2, 2))


@pytest.fixture
def one_thread():
    """Threads wait for each other where a step takes no time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("iota", ["none", "log_inverse_prior"])
def test_gradient_descent_on_binary_vs_tends_to_cs_svm(iota, one_thread):
    """kini2021label, Theorem 1; with steps that grow as the losses shrink, to be there in time."""
    torch.set_default_dtype(torch.float64)
    try:
        method = REGISTRY.make(
            "method", REGISTRY.part("method", "binary_vs", {"ratio": 2.0, "iota": iota})
        )
        loss = bound(method.stages[0].loss, LABELLED.counts(2, 1))
    finally:
        torch.set_default_dtype(torch.float32)
    x, y = torch.tensor(LABELLED.pixels[:, 0, 0]).double(), torch.tensor(LABELLED.labels)
    w = torch.zeros(2, x.shape[1], dtype=torch.float64, requires_grad=True)
    for _ in range(500):
        value = loss(x @ w.T, y, rows=y).mean()
        (gradient,) = torch.autograd.grad(value, w)
        w = (w - 0.05 * gradient / value.detach()).detach().requires_grad_()
    found = (w[1] - w[0]).detach().numpy()
    expected, svm = (
        line(CostSensitiveMargin(delta, intercept=False), LABELLED)[:-1] for delta in (2.0, 1.0)
    )
    assert cosine(found, expected) > 0.999 and cosine(svm, expected) < 0.98


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)
