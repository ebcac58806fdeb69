"""Heads fitted on group-balanced subsets: what they reach, average and refuse."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from evenhand.declared.labels import Labels
from evenhand.declared.stage_parts import Refit
from evenhand.errors import DataError, SpecError
from evenhand.refits.last_layer import GroupBalancedLogistic, balanced, halves

SIZES = np.array([[90, 10], [6, 80]])


def spurious(sizes=SIZES, *, seed=0):
    """A weak feature of the label and a strong one of the group, that go together most often."""
    rng = np.random.default_rng(seed)
    n_classes, n_groups = sizes.shape
    cells = np.repeat(np.arange(sizes.size), sizes.ravel())
    labels, groups = cells // n_groups, cells % n_groups
    core, shortcut = 1.5 * np.eye(n_classes)[labels], 4 * np.eye(n_groups)[groups]
    features = np.concatenate([core, shortcut, np.zeros((len(cells), 2))], axis=1)
    features[:, :-1] += rng.normal(size=(len(cells), features.shape[1] - 1))
    return 5 + 3 * features, labels, groups


def solve(spec, sizes=SIZES, seed=0, training=None):
    features, labels, groups = spurious(sizes)
    return spec.solve(
        features,
        labels,
        groups,
        training=features if training is None else training,
        counts=sizes,
        randomness=np.random.default_rng(seed),
    )


def worst_cell(head, sizes):
    features, labels, groups = spurious(np.full_like(sizes, 500), seed=1)
    right = (features @ head.weight.T + head.bias).argmax(1) == labels
    return min(
        right[(labels == y) & (groups == g)].mean()
        for y in range(sizes.shape[0])
        for g in range(sizes.shape[1])
    )


@pytest.mark.parametrize("penalty", ["l1", "l2"])
@pytest.mark.parametrize("sizes", [SIZES, np.array([[60, 9], [8, 60], [30, 12]])])
def test_the_head_does_not_follow_the_group(penalty, sizes):
    """Where a fit on all examples, unbalanced, does: its worst cell is one of the rare ones."""
    features, labels, _ = spurious(sizes)
    plain = LogisticRegression(C=1.0, max_iter=1000).fit(features, labels)
    weight, bias = plain.coef_, plain.intercept_
    if len(sizes) == 2:
        weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
    head = solve(GroupBalancedLogistic(penalty=penalty, strengths=(0.3,), draws=10), sizes)
    erm = type(head)(weight, bias)
    assert worst_cell(head, sizes) > worst_cell(erm, sizes) + 0.1


def test_it_is_a_refit():
    assert isinstance(GroupBalancedLogistic(), Refit)
    assert GroupBalancedLogistic(split="train").split == "train"


@pytest.mark.parametrize("apart", [False, True])
def test_one_draw_of_equal_cells_is_the_fit_of_scikit_learn(apart):
    """Standardised by the training features, L1, liblinear; the weights are for raw features."""
    sizes = np.full((2, 2), 30)
    features, labels, _ = spurious(sizes)
    training = 3 * spurious(SIZES, seed=1)[0] - 2 if apart else features
    standard = StandardScaler().fit(training).transform(features)
    fit = LogisticRegression(l1_ratio=1.0, C=0.3, solver="liblinear", random_state=0)
    expected = fit.fit(standard, labels).decision_function(standard)
    head = solve(GroupBalancedLogistic(strengths=(0.3,), draws=1), sizes, training=training)
    logits = features @ head.weight.T + head.bias
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, atol=2e-3)


def test_a_feature_that_never_changes_has_no_weight():
    head = solve(GroupBalancedLogistic(strengths=(0.3,), draws=2))
    assert (head.weight[:, -1] == 0).all() and np.isfinite(head.bias).all()


def test_more_draws_vary_less():
    def spread(draws):
        spec = GroupBalancedLogistic(strengths=(0.3,), draws=draws)
        return np.std([solve(spec, seed=seed).weight for seed in range(6)], axis=0).max()

    assert spread(20) < 0.6 * spread(1)


def test_the_strength_that_does_best_by_the_worst_cell_is_chosen():
    """At C = 1e-6 nothing is learned, so that a cell is all wrong."""
    alone = solve(GroupBalancedLogistic(strengths=(0.3, 1e-6), draws=3))
    assert np.abs(alone.weight).max() > 0
    none = solve(GroupBalancedLogistic(strengths=(1e-6,), draws=3))
    assert np.abs(none.weight).max() == 0


def test_a_balanced_draw_has_as_many_of_each_cell():
    cells = np.repeat(np.arange(4), SIZES.ravel())
    drawn = balanced(cells, np.random.default_rng(0))
    assert len(set(drawn)) == len(drawn)
    np.testing.assert_array_equal(np.bincount(cells[drawn]), [6] * 4)


def test_halves_share_no_example_and_hold_every_cell():
    cells = np.repeat(np.arange(4), [2, 3, 10, 7])
    fitted, held_out = halves(cells, np.random.default_rng(0))
    assert sorted([*fitted, *held_out]) == list(range(22))
    np.testing.assert_array_equal(np.bincount(cells[fitted]), [1, 1, 5, 3])


@pytest.mark.parametrize(("strengths", "smallest"), [((0.3, 0.1), 1), ((0.3,), 0)])
def test_cells_too_small_to_be_balanced_are_named(strengths, smallest):
    counts = np.array([[90, 10], [smallest, 80]])
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(DataError, match=rf"too few val .* class 1 in group 0 \({smallest}\)"):
        GroupBalancedLogistic(strengths=strengths).solve(
            np.zeros((0, 3)),
            nothing,
            nothing,
            training=np.zeros((0, 3)),
            counts=counts,
            randomness=np.random.default_rng(0),
        )


def test_a_fit_that_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr("evenhand.refits.last_layer.ITERATIONS", 1)
    with pytest.raises(DataError, match=r"strength 1 did not converge in 1 iterations"):
        solve(GroupBalancedLogistic(strengths=(1.0,), draws=1))


def test_no_strengths_and_one_class_are_refused():
    with pytest.raises(SpecError, match="strengths is empty"):
        GroupBalancedLogistic(strengths=()).check(Labels(None, 2, 2))
    with pytest.raises(SpecError, match="one class"):
        GroupBalancedLogistic().check(Labels(None, 1, 2))
