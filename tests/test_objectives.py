"""Objectives: gains are derivatives, updates reach the optimum of a linear program, lines parse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

from harness.errors import DataError, SpecError
from harness.losses.cost_sensitive import non_negative
from harness.metrics import score
from harness.objectives.goals import GOALS
from harness.objectives.named import (
    accuracy_with_precision,
    accuracy_with_recall,
    recall_with_balanced_coverage,
    recall_with_coverage,
    recall_with_head_tail_coverage,
    worst_case_recall,
    worst_head_tail_recall,
)
from harness.objectives.objective import LinearConstraint, Objective, bayes_decision
from harness.objectives.parse import parse
from harness.objectives.rates import RATES, normalised, tail

COUNTS = np.array([[500], [120], [30], [10]])
TRAIN = COUNTS[:, 0] / COUNTS.sum()
NAMES = ("car", "ship", "truck", "deer")
PROBLEMS = {
    "worst case": worst_case_recall(),
    "accuracy, recall": accuracy_with_recall(0.5),
    "accuracy, precision": accuracy_with_precision(0.6),
    "coverage": recall_with_coverage(),
    "balanced coverage": recall_with_balanced_coverage(),
    "worst half": worst_head_tail_recall(),
    "coverage of halves": recall_with_head_tail_coverage(),
}
MIXED = parse(
    "min_recall", ["recall[truck] >= 0.6", "coverage[*] <= 0.95/m", "accuracy >= 0.5"], NAMES
)
SMOOTH = {name: Objective(name) for name in GOALS[4:]}
EVERY = {
    **PROBLEMS,
    **SMOOTH,
    "mixed": MIXED,
    "smooth under a bound": parse("micro_f1[ship, deer]", ["precision[car] <= 0.9"], NAMES),
}


def random_confusion(seed: int) -> np.ndarray:
    entries = np.random.default_rng(seed).random((4, 4)) + 2 * np.eye(4)
    return entries / entries.sum()


def derivative(function, at: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Central differences, one entry at a time."""
    found = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[place] = h
        found[place] = (function(at + step) - function(at - step)) / (2 * h)
    return found


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("problem", EVERY.values(), ids=EVERY)
def test_the_gain_is_the_derivative_of_the_lagrangian_by_the_confusion(problem, seed):
    bound, confusion = problem.bind(COUNTS), random_confusion(seed)
    multipliers = np.random.default_rng(seed).random(bound.n_multipliers)
    prior = confusion.sum(1)
    by_hand = derivative(lambda c: bound.lagrangian(multipliers, c, prior), confusion)
    np.testing.assert_allclose(bound.gain(multipliers, prior, confusion), by_hand, atol=1e-7)


def test_the_gains_are_those_of_the_papers_table():
    lam, one = np.array([0.1, 0.2, 0.3, 0.4]), np.ones(4)
    inverse = 1 / TRAIN
    expected = {
        "worst case": np.diag(lam * inverse),
        "accuracy, recall": np.diag(1 + lam * inverse),
        "accuracy, precision": np.diag(1 + lam) - 0.6 * np.outer(one, lam),
        "coverage": np.diag(inverse / 4) + np.outer(one, lam),
        "balanced coverage": (np.diag(inverse) + np.outer(inverse, lam)) / 4,
    }
    for name, gain in expected.items():
        np.testing.assert_allclose(PROBLEMS[name].bind(COUNTS).gain(lam, TRAIN), gain)


def test_the_head_and_tail_gains_share_a_multiplier_over_their_classes():
    lam, share = np.array([0.3, 0.7]), np.array([0.1, 0.1, 0.1, 0.7])
    worst = worst_head_tail_recall().bind(COUNTS).gain(lam, TRAIN)
    np.testing.assert_allclose(worst, np.diag(share / TRAIN))
    covered = recall_with_head_tail_coverage().bind(COUNTS).gain(lam, TRAIN)
    np.testing.assert_allclose(covered, (np.eye(4) + share) / (4 * TRAIN[:, None]))


def test_the_tail_is_the_tenth_of_the_classes_with_fewest_examples():
    for size, n_tail in ((100, 10), (200, 20), (10, 1), (3, 1)):
        assert np.flatnonzero(tail(np.arange(size))).tolist() == list(range(n_tail))


def test_values_agree_with_the_metrics_of_the_same_counts():
    counts = np.random.default_rng(0).integers(5, 60, (1, 4, 4))
    confusion = normalised(counts)
    named = {"mean_recall": "balanced_accuracy"}
    for goal in ("accuracy", "mean_recall", "min_recall", "min_head_tail_recall", "macro_f1"):
        expected = score(named.get(goal, goal), counts, COUNTS)
        assert Objective(goal).bind(COUNTS).value(confusion) == pytest.approx(expected)
    assert SMOOTH["g_mean"].bind(COUNTS).value(confusion) == pytest.approx(
        score("g_mean", counts, COUNTS)
    )


def test_micro_f1_over_all_classes_is_accuracy():
    confusion = random_confusion(3)
    value = SMOOTH["micro_f1"].bind(COUNTS).value(confusion)
    assert value == pytest.approx(np.trace(confusion))


def test_balanced_coverage_of_a_uniform_predictor_is_one_over_m():
    confusion = np.outer(TRAIN, np.full(4, 0.25))
    found = RATES["balanced_coverage"].values(np.eye(4), confusion, TRAIN)
    np.testing.assert_allclose(found, 0.25)


def test_a_perfect_classifier_has_a_gain_and_a_useless_one_has_too():
    for confusion in (np.diag(TRAIN), np.outer(TRAIN, [1.0, 0, 0, 0])):
        for problem in SMOOTH.values():
            bound = problem.bind(COUNTS)
            gains = bound.gain(bound.start(), TRAIN, confusion)
            assert np.isfinite(gains).all() and gains.any()


# Finite problems: every x, its weight and its class probabilities are known.


class Finite(NamedTuple):
    """Inputs with p(x) and η(x): the set of reachable confusion matrices is a polytope."""

    weight: np.ndarray
    eta: np.ndarray

    @property
    def prior(self) -> np.ndarray:
        return self.weight @ self.eta

    def confusion(self, h: np.ndarray) -> np.ndarray:
        return (self.weight[:, None] * self.eta).T @ h

    def decide(self, gains: np.ndarray) -> np.ndarray:
        return self.confusion(np.eye(gains.shape[1])[bayes_decision(gains, self.eta)])


def finite(seed: int = 0) -> Finite:
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((40, 3)) + np.log([0.8, 0.15, 0.05])
    eta = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Finite(rng.dirichlet(np.ones(40)), eta)


def linear_program(problem: Objective, data: Finite):
    """max of the goal over randomised classifiers h[x, j] ≥ 0, with the worst rate as a variable.

    Rates and slacks are affine in h, so their coefficients are read off one entry of h at a time.
    """
    bound, prior = problem.bind(COUNTS[:3]), data.prior
    n, m = data.eta.shape

    def terms(h: np.ndarray) -> np.ndarray:
        c = data.confusion(h)
        rates = bound.goal.rates(c, prior)
        goal = rates if rates.size else np.array([bound.goal.value(c, prior)])
        return np.concatenate([goal, bound._slacks(c, prior)])

    zero = terms(np.zeros((n, m)))
    slope = np.stack([terms(e.reshape(n, m)) - zero for e in np.eye(n * m)], axis=1)
    n_goals = len(zero) - sum(len(c.weights) for c in bound.constraints)
    # Variables: h, then t ≤ each goal. Constraints: slope·h + zero ≥ (t or 0).
    rises = np.concatenate([np.ones(n_goals), np.zeros(len(zero) - n_goals)])
    return linprog(
        -np.eye(n * m + 1)[-1],
        A_ub=np.hstack([-slope, rises[:, None]]),
        b_ub=zero,
        A_eq=np.hstack([np.kron(np.eye(n), np.ones(m)), np.zeros((n, 1))]),
        b_eq=np.ones(n),
        bounds=[(0, None)] * (n * m) + [(None, None)],
    )


def iterate(problem: Objective, data: Finite, *, steps: int, step: float) -> np.ndarray:
    """The confusion matrix of the classifier that picks one of all iterates at random."""
    bound = problem.bind(COUNTS[:3])
    multipliers, total = bound.start(), np.zeros((3, 3))
    for _ in range(steps):
        confusion = data.decide(bound.gain(multipliers, data.prior))
        multipliers = bound.update(multipliers, confusion, step)
        total += confusion
    return total / steps


BINDING = {
    **{name: PROBLEMS[name] for name in ("worst case", "worst half", "coverage")},
    "balanced coverage": recall_with_balanced_coverage(),
    "all of its coverage": recall_with_balanced_coverage(1.0),
    "coverage of halves": recall_with_head_tail_coverage(),
    "accuracy, recall": accuracy_with_recall(0.6),
    "accuracy, precision": accuracy_with_precision(0.7),
}


@pytest.mark.parametrize("problem", BINDING.values(), ids=BINDING)
def test_the_mean_of_the_iterates_reaches_the_linear_programs_optimum(problem):
    data, bound = finite(), problem.bind(COUNTS[:3])
    best = linear_program(problem, data)
    assert best.success
    confusion = iterate(problem, data, steps=1500, step=0.1)
    assert bound.value(confusion) == pytest.approx(-best.fun, abs=0.004)
    assert bound.is_met(confusion, tolerance=0.004)


@pytest.mark.parametrize("problem", BINDING.values(), ids=BINDING)
def test_the_starting_multipliers_would_not_reach_it(problem):
    """Else the test above would hold for a rule that never moves."""
    data, bound = finite(), problem.bind(COUNTS[:3])
    first = data.decide(bound.gain(bound.start(), data.prior))
    misses = bound.value(first) < -linear_program(problem, data).fun - 0.01
    assert misses or not bound.is_met(first, tolerance=0.01)


@pytest.mark.parametrize(
    "problem",
    [
        accuracy_with_recall(0.99),
        Objective("accuracy", (LinearConstraint("coverage", "*", ">=", 0.4),)),
    ],
    ids=["recall", "coverage"],
)
def test_constraints_that_no_classifier_meets_are_seen(problem):
    data = finite()
    assert linear_program(problem, data).status == 2
    confusion = iterate(problem, data, steps=1000, step=0.05)
    bound = problem.bind(COUNTS[:3])
    assert not bound.is_met(confusion, tolerance=0.01)
    assert bound.slacks(confusion).min() < -0.02


@pytest.mark.parametrize("goal", ["quadratic_mean", "g_mean"])
def test_a_concave_goal_is_reached_by_its_own_linearisation(goal):
    """Frank–Wolfe: for a concave goal, max over C' of ⟨slope, C' − C⟩ bounds what is missing."""
    data, bound = finite(), Objective(goal).bind(COUNTS[:3])
    confusion = data.decide(np.eye(3))
    for k in range(500):
        gains = bound.gain(bound.start(), data.prior, confusion)
        confusion = confusion + 2 / (k + 3) * (data.decide(gains) - confusion)
    gains = bound.gain(bound.start(), data.prior, confusion)
    assert (gains * (data.decide(gains) - confusion)).sum() < 5e-3


def test_a_smooth_gain_weighs_rows_by_the_shift_of_the_label_shares():
    """A recall's slope by the training confusion is 1/π^train, whatever the held-out shares."""
    confusion = random_confusion(0)
    balanced = confusion / confusion.sum(1, keepdims=True) / 4
    gains = [SMOOTH["quadratic_mean"].bind(COUNTS).gain(np.zeros(0), TRAIN, c)
             for c in (confusion, balanced)]  # fmt: skip
    np.testing.assert_allclose(*gains)


# Multipliers.


def test_multipliers_stay_where_they_belong():
    bound, confusion = MIXED.bind(COUNTS), random_confusion(0)
    multipliers = bound.start()
    assert bound.n_multipliers == multipliers.size == 4 + 1 + 4 + 1
    for _ in range(5):
        multipliers = bound.update(multipliers, confusion, 0.7)
        assert multipliers[:4].sum() == pytest.approx(1) and (multipliers >= 0).all()


def test_the_simplex_update_is_the_exponentiated_gradient():
    bound, confusion = worst_case_recall().bind(COUNTS), random_confusion(0)
    lam = np.array([0.1, 0.2, 0.3, 0.4])
    by_hand = lam * np.exp(-0.5 * np.diag(confusion) / confusion.sum(1))
    np.testing.assert_allclose(bound.update(lam, confusion, 0.5), by_hand / by_hand.sum())


def test_a_constraint_that_holds_with_room_lets_go_of_its_multiplier():
    bound = accuracy_with_recall(0.2).bind(COUNTS)
    perfect = np.diag(TRAIN)
    np.testing.assert_allclose(bound.update(np.full(4, 1.0), perfect, 1.0), 0.2)
    np.testing.assert_allclose(bound.update(np.full(4, 1.0), perfect, 2.0), 0.0)


def test_a_multiplier_that_vanished_comes_back():
    bound = worst_case_recall().bind(COUNTS)
    easy = np.diag(TRAIN)
    easy[0] = [0, TRAIN[0], 0, 0]
    multipliers = bound.start()
    for _ in range(40):
        multipliers = bound.update(multipliers, easy, 100.0)
    assert multipliers[0] == 1
    hard = np.outer(TRAIN, [1.0, 0, 0, 0])
    for _ in range(20):
        multipliers = bound.update(multipliers, hard, 100.0)
    assert multipliers[0] < 1e-6


def test_negative_gains_are_shifted_by_row_and_the_decision_stays():
    gains = accuracy_with_precision(0.9).bind(COUNTS).gain(np.array([3.0, 0.1, 2.0, 0.5]), TRAIN)
    shifted, shift = non_negative(gains), non_negative(gains) - gains
    assert gains.min() < 0 <= shifted.min()
    np.testing.assert_allclose(shift, np.tile(shift[:, :1], 4))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 500)
    assert (bayes_decision(gains, probabilities) == bayes_decision(shifted, probabilities)).all()
    np.testing.assert_array_equal(non_negative(np.eye(4)), np.eye(4))


def test_a_class_without_examples_is_named():
    confusion = random_confusion(0)
    confusion[2] = 0
    with pytest.raises(DataError, match="no example of 1 of 4 classes: 2"):
        worst_case_recall().bind(COUNTS).value(confusion)


# Writing.


@pytest.mark.parametrize(
    ("maximize", "lines", "named"),
    [
        ("min_recall", [], worst_case_recall()),
        ("accuracy", ["recall[*] >= 0.5"], accuracy_with_recall(0.5)),
        ("accuracy", ["precision >= 0.6"], accuracy_with_precision(0.6)),
        ("mean_recall", ["coverage[*] >= 0.95*prior"], recall_with_coverage()),
        ("mean_recall", ["balanced_coverage[*]>=0.95 / m"], recall_with_balanced_coverage()),
        ("min_head_tail_recall", [], worst_head_tail_recall()),
        (
            "mean_recall",
            ["balanced_coverage[head] >= 0.95/m", "balanced_coverage[tail] >= 0.95/m"],
            recall_with_head_tail_coverage(),
        ),
    ],
)
def test_the_papers_problems_can_be_written(maximize, lines, named):
    assert parse(maximize, lines, NAMES) == named


def test_classes_are_named_one_by_one():
    problem = parse("micro_f1[ship, deer]", ["recall[truck, car] >= 0.6"], NAMES)
    assert problem.classes == (1, 3)
    assert problem.subject_to[0].classes == (2, 0)
    np.testing.assert_allclose(problem.bind(COUNTS).slacks(np.diag(TRAIN)), 0.4)


@pytest.mark.parametrize(
    ("maximize", "line", "message"),
    [
        ("mean_recall", "recal[car] >= 0.5", "subject_to.0: no rate is called 'recal'"),
        ("mean_recall", "recall[truk] >= 0.5", r"(?s)no class is called 'truk'.*mean 'truck'"),
        ("mean_recall", "recall[car] >= 60", r"(?s)bound of recall is 60.*\[0, 1\]"),
        ("mean_recall", "recall[car] >= -0.1", "bound of recall is -0.1"),
        ("mean_recall", "recall[car] = 0.5", r"(?s)is no constraint.*rate\[classes\] >= bound"),
        ("mean_recall", "recall[car] >= 0.5.1", "is no constraint"),
        ("mean_recall", "precision[tail] >= 0.5", "a mean of precisions"),
        ("mean_recall", "accuracy[car] >= 0.5", "one number over all classes"),
        ("mean_recal", "accuracy >= 0.5", r"(?s)maximize: no goal.*mean 'mean_recall'"),
        ("accuracy[car]", "accuracy >= 0.5", "accuracy is over all classes"),
        ("mean recall", "accuracy >= 0.5", "'mean recall' is no goal"),
    ],
)
def test_what_cannot_be_is_refused_by_name(maximize, line, message):
    with pytest.raises(SpecError, match=message):
        parse(maximize, [line], NAMES)


def test_all_mistakes_are_told_at_once():
    with pytest.raises(SpecError) as caught:
        parse("best", ["recall[car, lorry] >= 2", "cover >= 0.1"], NAMES)
    assert [m.where for m in caught.value.mistakes] == [
        ("maximize",), ("subject_to", 0), ("subject_to", 1),
    ]  # fmt: skip


def test_objectives_are_hashable_and_equal_by_value():
    assert len({worst_case_recall(), Objective("min_recall"), accuracy_with_recall(0.5)}) == 2
