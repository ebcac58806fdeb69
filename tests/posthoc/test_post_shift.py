"""Post-shifting reaches what can be reached, by each way of looking, and refuses what cannot."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import softmax

from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError, SpecError
from evenhand.objectives.objective import BoundObjective
from evenhand.objectives.parse import parse
from evenhand.posthoc.post_shift import post_shift
from tests.objectives.lagrangian import is_met, slacks
from tests.posthoc.problems import (
    NAMES,
    Gaussians,
    Table,
    confusion,
    gaussians,
    labels,
    outputs,
    table,
    trained,
)

WAYS = ("gradient", "grid", "optimiser")
TABLE = table()
PROBLEMS = {
    "worst case": ("min_recall", []),
    "worst half": ("min_head_tail_recall", []),
    "accuracy, a recall": ("accuracy", ["recall[truck] >= 0.6"]),
    "accuracy, recalls": ("accuracy", ["recall[*] >= 0.6"]),
    "accuracy, precisions": ("accuracy", ["precision[*] >= 0.74"]),
    "coverage": ("mean_recall", ["coverage[*] >= 0.95*prior"]),
    "balanced coverage": ("mean_recall", ["balanced_coverage[*] >= 0.95/m"]),
    "coverage of halves": (
        "mean_recall",
        ["balanced_coverage[head] >= 0.95/m", "balanced_coverage[tail] >= 0.36"],
    ),
    "worst case, a coverage": ("min_recall", ["coverage[car] >= 0.65"]),
}
"""On the table, the best of each is on the border of what its constraints allow."""


def bound(maximize, subject_to, network) -> BoundObjective:
    return parse(maximize, subject_to, network.classes).bind(network.counts, network.classes)


def shifted(maximize, subject_to, data: Table, **settings) -> np.ndarray:
    """The confusion on the images that the method was fitted on."""
    made = post_shift(maximize, tuple(subject_to), **settings)
    return confusion(data.val, made.fit(data.trained, data.val)(data.val.logits))


def optimum(problem: BoundObjective, data: Table) -> float:
    """Of all randomised classifiers h[x, j] ≥ 0: the linear program's.

    Goals and slacks are affine in h, so their coefficients are read off one entry at a time. The
    program maximises t ≤ each rate under the minimum, or t ≤ the goal.
    """
    n, m = data.times.shape
    joint = data.times / data.times.sum()
    shares = joint.sum(0)[:, None]

    def terms(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        c = (joint.T @ h)[None]
        goals = problem.goal.rates(c, shares)
        goals = goals if goals.size else np.array([problem.goal.value(c, shares)])
        return goals, slacks(problem, c, shares)

    zero = np.concatenate(terms(np.zeros((n, m))))
    slope = np.stack([np.concatenate(terms(e.reshape(n, m))) - zero for e in np.eye(n * m)], axis=1)
    n_goals = len(terms(np.zeros((n, m)))[0])
    rises = (np.arange(len(zero)) < n_goals).astype(float)
    best = linprog(
        -np.eye(n * m + 1)[-1],
        A_ub=np.hstack([-slope, rises[:, None]]),
        b_ub=zero,
        A_eq=np.hstack([np.kron(np.eye(n), np.ones(m)), np.zeros((n, 1))]),
        b_eq=np.ones(n),
        bounds=[(0, None)] * (n * m) + [(None, None)],
    )
    assert best.success
    return float(-best.fun)


# What is reached.


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_linear_programs_optimum_is_reached(name, by):
    """Within an input or two of the table's 200; a grid of 13 points is coarser."""
    maximize, subject_to = PROBLEMS[name]
    problem = bound(maximize, subject_to, TABLE.trained)
    points = 21 if maximize == "min_recall" else 13
    c = shifted(maximize, subject_to, TABLE, by=by, points=points, evaluations=1500)
    best = optimum(problem, TABLE)
    missed, short = (0.02, 0.015) if by == "grid" else (0.001, 0.009)
    assert is_met(problem, c, tolerance=missed)
    assert best - short < problem.value(c) < best + 0.002


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_network_alone_does_not_reach_it(name):
    """Else the test above would hold for a method that shifts nothing."""
    maximize, subject_to = PROBLEMS[name]
    problem = bound(maximize, subject_to, TABLE.trained)
    c = confusion(TABLE.val, TABLE.val.logits.argmax(1))
    assert problem.value(c) < optimum(problem, TABLE) - 0.04 or not is_met(problem, c, 0.01)


@pytest.mark.parametrize("goal", ["g_mean", "quadratic_mean", "macro_f1"])
def test_a_smooth_goal_is_reached_by_every_way(goal):
    """Beside the best of 4,000 shifts of log-probabilities, drawn at random."""
    data = table(100, 3000)
    problem = bound(goal, [], data.trained)
    logits = np.log(softmax(data.val.logits, axis=1))
    rng = np.random.default_rng(0)
    tried = [confusion(data.val, (logits + s).argmax(1)) for s in rng.normal(0, 1.5, (4000, 3))]
    best = max(problem.value(c) for c in tried)
    for by in WAYS:
        assert problem.value(shifted(goal, [], data, by=by)) > best - 0.01
    assert problem.value(confusion(data.val, logits.argmax(1))) < best - 0.015


def test_a_smooth_goal_keeps_to_a_constraint():
    data = table(100, 3000)
    subject_to = ["coverage[car] >= 0.75"]
    problem = bound("g_mean", subject_to, data.trained)
    assert not is_met(problem, shifted("g_mean", [], data))
    for by in WAYS:
        c = shifted("g_mean", subject_to, data, by=by, evaluations=300)
        assert is_met(problem, c)
        assert problem.value(c) > 0.6


@pytest.mark.parametrize(("n_classes", "rise"), [(3, 0.1), (10, 0.1)])
def test_worst_case_recall_rises_on_fresh_data(n_classes, rise):
    network = gaussians(n_classes)
    val, fresh = network.draw(200 * n_classes, seed=0), network.draw(1000 * n_classes, seed=1)
    predict = post_shift().fit(trained(network.counts), val)
    assert worst(fresh, predict(fresh.logits)) > worst(fresh, fresh.logits.argmax(1)) + rise


def worst(data, predictions) -> float:
    recalls = [(predictions[data.labels == y] == y).mean() for y in np.unique(data.labels)]
    return float(min(recalls))


def test_accuracy_without_constraints_is_the_plain_argmax():
    val = gaussians(4).draw(400, seed=0)
    for by in WAYS:
        predict = post_shift("accuracy", by=by).fit(trained(gaussians(4).counts), val)
        np.testing.assert_array_equal(predict(val.logits), val.logits.argmax(1))


def test_predictions_follow_the_bayes_decision_written_out():
    """One step from λ = 0: mean recall divides each probability by its training share."""
    network = gaussians(3)
    val = network.draw(90, seed=0)
    predict = post_shift("mean_recall", steps=1).fit(trained(network.counts), val)
    by_hand = (softmax(val.logits, axis=1) / network.counts).argmax(1)
    np.testing.assert_array_equal(predict(val.logits), by_hand)


def test_the_best_iterate_is_kept_and_not_the_last():
    """However large the steps, the first iterate is the least that comes out."""
    data = table(100, 3000)
    problem = bound("min_recall", [], data.trained)
    first = problem.value(shifted("min_recall", [], data, steps=1))
    assert problem.value(shifted("min_recall", [], data, steps=30)) > first + 0.01
    assert problem.value(shifted("min_recall", [], data, steps=30, step=1000.0)) >= first


def test_groups_are_added_up():
    network = gaussians(3)
    val = network.draw(300, seed=0)
    groups = np.random.default_rng(0).integers(0, 2, 300)
    split = np.stack([network.counts - 10, np.full(3, 10)], axis=1)
    together = post_shift().fit(trained(network.counts), val)
    apart = post_shift().fit(trained(split), outputs(val.logits, val.labels, groups))
    np.testing.assert_array_equal(together(val.logits), apart(val.logits))


# What cannot be met.


@pytest.mark.parametrize("by", WAYS)
def test_constraints_that_none_meets_end_with_the_least_violated(by):
    data = table(100, 3000)
    problem = bound("accuracy", ["recall[*] >= 0.95"], data.trained)
    c = shifted("accuracy", ["recall[*] >= 0.95"], data, by=by, points=13, evaluations=1000)
    least = bound("min_recall", [], data.trained)
    reachable = least.value(shifted("min_recall", [], data)) - 0.95
    assert reachable - 0.05 < problem.slacks(c).min() < 0


def test_a_constraint_weighs_more_than_the_goal():
    data = table(100, 3000)
    free = shifted("accuracy", [], data)
    held = shifted("accuracy", ["coverage[truck] >= 0.3"], data)
    goal = bound("accuracy", ["coverage[truck] >= 0.3"], data.trained)
    assert goal.value(held) < goal.value(free) and is_met(goal, held) and not is_met(goal, free)


# What is refused.


@pytest.mark.parametrize(
    ("maximize", "line", "message"),
    [
        ("mean_recall", "recall[truk] >= 0.5", r"(?s)no class is called 'truk'.*mean 'truck'"),
        ("mean_recall", "recal[car] >= 0.5", "no rate is called 'recal'"),
        ("mean_recal", "accuracy >= 0.5", "no goal is called 'mean_recal'"),
        ("mean_recall", "recall[car] >= 1.5", "bound of recall is 1.5"),
        ("mean_recall", "recall[car] >= -0.5", "bound of recall is -0.5"),
        ("mean_recall", "group_recall[*] >= 0.5", r"(?s)cannot use group_recall.*groups"),
        ("accuracy", "equalized_odds <= 0.1", "cannot use equalized_odds"),
        ("min_group_recall", "accuracy >= 0.5", "cannot use min_group_recall"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(maximize, line, message):
    with pytest.raises(SpecError, match=message):
        post_shift(maximize, (line,)).check(labels(NAMES), "linear")


def test_classes_that_only_the_data_name_are_looked_up_with_them():
    made = post_shift("accuracy", ("recall[lorry] >= 0.5",))
    made.check(labels(None), "linear")
    with pytest.raises(SpecError, match="no class is called 'lorry'"):
        made.fit(TABLE.trained, TABLE.val)


@pytest.mark.parametrize(("n_classes", "points"), [(10, 21), (12, 21), (40, 41)])
def test_a_grid_that_fits_is_taken(n_classes, points):
    post_shift(by="grid", points=points).check(
        labels([f"c{i}" for i in range(n_classes)]), "linear"
    )


@pytest.mark.parametrize(
    ("n_classes", "points", "message"),
    [
        (10, 31, r"(?s)a grid of 31 points for 10 multipliers has 10,015,005.*lower"),
        (40, 21, r"(?s)for 40 multipliers has 0.*raise"),
    ],
)
def test_a_grid_too_large_or_too_coarse_is_refused(n_classes, points, message):
    made, names = post_shift(by="grid", points=points), [f"c{i}" for i in range(n_classes)]
    with pytest.raises(SpecError, match=message):
        made.check(labels(names), "linear")
    network = Gaussians(np.full(n_classes, 9), np.zeros((n_classes, 1)))
    with pytest.raises(SpecError, match=r"it may have 1 to 100,000"):
        made.fit(trained(network.counts), network.draw(n_classes, seed=0))


def test_a_class_that_the_validation_split_lacks_is_named():
    val = outputs(TABLE.val.logits[TABLE.val.labels < 2], TABLE.val.labels[TABLE.val.labels < 2])
    with pytest.raises(DataError, match=r"(?s)no example of 1 of 3 classes: 2.*validation"):
        post_shift().fit(TABLE.trained, val)


def test_no_images_are_as_good_as_no_split():
    with pytest.raises(DataError, match="there are none"):
        post_shift().fit(TABLE.trained, outputs(np.zeros((0, 3)), np.zeros(0, np.int64)))


def test_a_suite_writes_its_constraints_as_a_list():
    part = REGISTRY.part("posthoc", "post_shift", {"subject_to": ["accuracy >= 0.5"]})
    made = REGISTRY.make("posthoc", part)
    assert made == post_shift(subject_to=("accuracy >= 0.5",))
    assert hash(made) == hash(post_shift(subject_to=("accuracy >= 0.5",)))


def test_a_hundred_classes_take_seconds():
    """5,000 images, 300 steps: 0.7 s of one core where this was written."""
    network = gaussians(100)
    val = network.draw(5000, seed=0)
    began = time.process_time()
    predict = post_shift().fit(trained(network.counts), val)
    assert time.process_time() - began < 20
    assert worst(val, predict(val.logits)) > worst(val, val.logits.argmax(1))
