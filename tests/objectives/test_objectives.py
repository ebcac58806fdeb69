"""Objectives: gains are derivatives, updates reach the optimum of a linear program, lines parse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

from evenhand.errors import DataError, SpecError
from evenhand.losses.gains import non_negative
from evenhand.metrics import score, tail
from evenhand.objectives.constraints import LinearConstraint, Unit
from evenhand.objectives.goals import MINIMA, SMOOTH
from evenhand.objectives.objective import BoundObjective, Objective, bayes_decision
from evenhand.objectives.parse import parse
from evenhand.objectives.rates import RATES, normalised, on_diagonals, shares_of
from evenhand.objectives.training_set import TrainingSet
from tests.objectives.lagrangian import is_met, lagrangian, slacks

COUNTS = np.array([[400, 100], [60, 60], [5, 25], [9, 1]])
TRAIN = COUNTS / COUNTS.sum()
PRIOR = TRAIN.sum(1)
PERFECT, USELESS = on_diagonals(TRAIN), TRAIN.T[:, :, None] * np.eye(4)[0]
NAMES, GROUPS = ("car", "ship", "truck", "deer"), ("day", "night")


def bounded(goal: str, rate: str, bound: float, *, unit: Unit = "one") -> Objective:
    """The goal under one bound for each class."""
    return Objective(goal, (LinearConstraint(rate, bound=bound, unit=unit),))


def halves_covered(share: float = 0.95) -> Objective:
    """Mean recall, with a mean balanced coverage of share/m over the head and over the tail."""
    head, tail = (
        LinearConstraint("balanced_coverage", half, bound=share, unit="1/m")
        for half in ("head", "tail")
    )
    return Objective("mean_recall", (head, tail))


# The rows of Table 1 of narasimhan2021training, and the head and tail forms of its experiments.
PROBLEMS = {
    "worst case": Objective("min_recall"),
    "accuracy, recall": bounded("accuracy", "recall", 0.5),
    "accuracy, precision": bounded("accuracy", "precision", 0.6),
    "coverage": bounded("mean_recall", "coverage", 0.95, unit="prior"),
    "balanced coverage": bounded("mean_recall", "balanced_coverage", 0.95, unit="1/m"),
    "worst half": Objective("min_head_tail_recall"),
    "coverage of halves": halves_covered(),
}
MIXED = parse(
    "min_recall", ["recall[truck] >= 0.6", "coverage[*] <= 0.95/m", "accuracy >= 0.5"], NAMES
)
SMOOTH_GOALS = {name: Objective(name) for name in SMOOTH}
OVER_GROUPS = {
    "worst group": parse("min_group_recall", []),
    "worst group of two classes": parse("min_group_recall[truck, 3]", []),
    "recalls of groups": parse("accuracy", ["group_recall >= 0.6"]),
    "equal opportunity": parse("mean_recall", ["equal_opportunity[ship, deer] <= 0.05"]),
    "equalized odds": parse("min_recall", ["coverage[tail] >= 0.1", "equalized_odds <= 0.02"]),
    "smooth over groups": parse("g_mean", ["group_recall[car] <= 0.9"]),
}
EVERY = {
    **PROBLEMS,
    **SMOOTH_GOALS,
    **OVER_GROUPS,
    "mixed": MIXED,
    "smooth under a bound": parse("micro_f1[ship, deer]", ["precision[car] <= 0.9"], NAMES),
}


def bind(problem: Objective) -> BoundObjective:
    return problem.bind(COUNTS, NAMES, GROUPS)


def random_confusion(seed: int) -> np.ndarray:
    entries = np.random.default_rng(seed).random((2, 4, 4)) + 2 * np.eye(4)
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
    bound, confusion = bind(problem), random_confusion(seed)
    multipliers = np.random.default_rng(seed).random(bound.n_multipliers)
    shares = shares_of(confusion)
    by_hand = derivative(lambda c: lagrangian(bound, multipliers, c, shares), confusion)
    gains = bound.gain(multipliers, shares, confusion)
    assert (gains.ndim == 3) == (problem in OVER_GROUPS.values())
    np.testing.assert_allclose(np.broadcast_to(gains, (2, 4, 4)), by_hand, atol=1e-7)


def test_the_gains_are_those_of_the_papers_table():
    lam, one = np.array([0.1, 0.2, 0.3, 0.4]), np.ones(4)
    inverse = 1 / PRIOR
    expected = {
        "worst case": np.diag(lam * inverse),
        "accuracy, recall": np.diag(1 + lam * inverse),
        "accuracy, precision": np.diag(1 + lam) - 0.6 * np.outer(one, lam),
        "coverage": np.diag(inverse / 4) + np.outer(one, lam),
        "balanced coverage": (np.diag(inverse) + np.outer(inverse, lam)) / 4,
    }
    for name, gain in expected.items():
        np.testing.assert_allclose(bind(PROBLEMS[name]).gain(lam, TRAIN), gain)


def test_the_head_and_tail_gains_share_a_multiplier_over_their_classes():
    lam, share = np.array([0.3, 0.7]), np.array([0.1, 0.1, 0.1, 0.7])
    worst = Objective("min_head_tail_recall").bind(COUNTS).gain(lam, TRAIN)
    np.testing.assert_allclose(worst, np.diag(share / PRIOR))
    covered = halves_covered().bind(COUNTS).gain(lam, TRAIN)
    np.testing.assert_allclose(covered, (np.eye(4) + share) / (4 * PRIOR[:, None]))


def test_the_gain_of_equal_opportunity_is_that_of_the_group_less_that_of_the_class():
    """With λ+ and λ− of one group, G_gyy is (λ− − λ+) (1/π_yg − 1/π_y), of the other the last."""
    bound = bind(parse("accuracy", ["equal_opportunity[truck] <= 0.05"]))
    gains = bound.gain(np.array([0.3, 0, 0.1, 0]), TRAIN) - np.eye(4)
    expected = np.zeros((2, 4, 4))
    expected[:, 2, 2] = -0.2 * (np.array([1 / TRAIN[2, 0], 0]) - 1 / PRIOR[2])
    np.testing.assert_allclose(gains, expected)


def test_slacks_of_a_difference_are_what_is_left_of_the_bound_on_either_side():
    bound, confusion = bind(parse("accuracy", ["equalized_odds <= 0.05"])), random_confusion(0)
    shares, hits = shares_of(confusion), np.diagonal(confusion, axis1=1, axis2=2).T
    gaps = hits / shares - (hits.sum(1) / shares.sum(1))[:, None]
    over, under = bound.slacks(confusion).reshape(2, 4, 2)
    np.testing.assert_allclose(np.minimum(over, under), 0.05 - np.abs(gaps))
    assert is_met(bound, confusion, np.abs(gaps).max() - 0.05 + 1e-9)
    assert not is_met(bound, confusion, np.abs(gaps).max() - 0.05 - 1e-9)


def test_of_one_group_the_recalls_are_those_of_classes_and_differences_are_refused():
    confusion = random_confusion(0)[:1] / random_confusion(0)[:1].sum()
    group, plain = (
        parse("accuracy", [f"{rate} >= 0.6"]).bind(COUNTS[:, :1])
        for rate in ("group_recall", "recall")
    )
    np.testing.assert_allclose(group.slacks(confusion), plain.slacks(confusion))
    with pytest.raises(SpecError, match="compares groups, and this data set has one"):
        parse("accuracy", ["equalized_odds <= 0.1"]).bind(COUNTS[:, :1])


def test_a_bound_in_shares_of_the_classes_may_be_above_one_share():
    parse("accuracy", ["coverage[0] >= 1.5/m"]).bind(COUNTS)
    with pytest.raises(SpecError, match=r"is 1\.66667"):
        parse("accuracy", ["coverage[0] >= 5/m"]).bind(COUNTS[:3])
    with pytest.raises(SpecError, match=r"write 9\.5 % as 0\.095"):
        parse("accuracy", ["coverage[0] >= 9.5"])


def test_without_groups_the_split_of_the_examples_over_groups_is_not_seen():
    confusion = random_confusion(0)
    pooled = confusion.sum(0, keepdims=True)
    for problem in [*PROBLEMS.values(), *SMOOTH_GOALS.values(), MIXED]:
        bound, one = bind(problem), problem.bind(COUNTS.sum(1, keepdims=True), NAMES)
        multipliers = np.random.default_rng(0).random(bound.n_multipliers)
        np.testing.assert_allclose(
            bound.gain(multipliers, TRAIN, confusion),
            one.gain(multipliers, TRAIN.sum(1, keepdims=True), pooled),
        )
        np.testing.assert_allclose(
            bound.update(multipliers, confusion, 0.3), one.update(multipliers, pooled, 0.3)
        )


def test_the_tail_is_the_tenth_of_the_classes_with_fewest_examples():
    for size, n_tail in ((100, 10), (200, 20), (10, 1), (3, 1)):
        assert np.flatnonzero(tail(np.arange(size))).tolist() == list(range(n_tail))


def test_values_agree_with_the_metrics_of_the_same_counts():
    counts = np.random.default_rng(0).integers(5, 60, (2, 4, 4))
    confusion = normalised(counts)
    named = {"mean_recall": "balanced_accuracy", "min_group_recall": "worst_group_accuracy"}
    for goal in ("accuracy", "mean_recall", *MINIMA, "macro_f1", "g_mean"):
        expected = score(named.get(goal, goal), counts, COUNTS)
        assert bind(Objective(goal)).value(confusion) == pytest.approx(expected)


def test_micro_f1_over_all_classes_is_accuracy():
    confusion = random_confusion(3)
    value = bind(Objective("micro_f1")).value(confusion)
    assert value == pytest.approx(np.trace(confusion.sum(0)))


def test_balanced_coverage_of_a_uniform_predictor_is_one_over_m():
    confusion = TRAIN.T[:, :, None] * np.full(4, 0.25)
    found = RATES["balanced_coverage"].values(np.eye(4), confusion, TRAIN)
    np.testing.assert_allclose(found, 0.25)


def test_a_perfect_classifier_has_a_gain_and_a_useless_one_has_too():
    for confusion in (PERFECT, USELESS):
        for problem in SMOOTH_GOALS.values():
            bound = bind(problem)
            gains = bound.gain(bound.start(), TRAIN, confusion)
            assert np.isfinite(gains).all() and gains.any()


# Finite problems: every x, its weight and its class probabilities are known.


class Finite(NamedTuple):
    """Inputs with p(x) and p(g, i|x): the reachable confusion matrices are a polytope."""

    weight: np.ndarray
    eta: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        return np.einsum("n,ngi->ig", self.weight, self.eta)

    def confusion(self, h: np.ndarray) -> np.ndarray:
        return np.einsum("n,ngi,nj->gij", self.weight, self.eta, h)

    def decide(self, gains: np.ndarray) -> np.ndarray:
        gains = np.broadcast_to(gains, (2, 3, 3))
        return self.confusion(np.eye(3)[bayes_decision(gains, self.eta)])


def finite(seed: int = 0) -> Finite:
    """Inputs say something of their label, and of their group for each label."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((40, 3)) + np.log([0.8, 0.15, 0.05])
    eta = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    weight = rng.dirichlet(np.ones(40))
    # The second group is where its label is less likely, so that its recalls are lower.
    second = 1 / (1 + np.exp(2 * rng.standard_normal((40, 3)) + 4 * eta - 1))
    return Finite(weight, np.stack([eta * (1 - second), eta * second], axis=1))


def linear_program(problem: Objective, data: Finite):
    """max of the goal over randomised classifiers h[x, j] ≥ 0, with the worst rate as a variable.

    Rates and slacks are affine in h, so their coefficients are read off one entry of h at a time.
    """
    bound, shares = problem.bind(COUNTS[:3]), data.shares
    n, m = len(data.weight), len(shares)

    def terms(h: np.ndarray) -> np.ndarray:
        c = data.confusion(h)
        rates = bound.goal.rates(c, shares)
        goal = rates if rates.size else np.array([bound.goal.value(c, shares)])
        return np.concatenate([goal, slacks(bound, c, shares)])

    zero = terms(np.zeros((n, m)))
    slope = np.stack([terms(e.reshape(n, m)) - zero for e in np.eye(n * m)], axis=1)
    n_goals = len(zero) - sum(len(c.names) for c in bound.constraints)
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
    """The confusion matrices of the classifier that picks one of all iterates at random."""
    bound = problem.bind(COUNTS[:3])
    multipliers, total = bound.start(), np.zeros((2, 3, 3))
    for _ in range(steps):
        confusion = data.decide(bound.gain(multipliers, data.shares))
        multipliers = bound.update(multipliers, confusion, step)
        total += confusion
    return total / steps


BINDING = {
    **{name: PROBLEMS[name] for name in ("worst case", "worst half", "coverage")},
    **{name: PROBLEMS[name] for name in ("balanced coverage", "coverage of halves")},
    "all of its coverage": bounded("mean_recall", "balanced_coverage", 1.0, unit="1/m"),
    "accuracy, recall": bounded("accuracy", "recall", 0.6),
    "accuracy, precision": bounded("accuracy", "precision", 0.7),
    "worst group": parse("min_group_recall", []),
    "worst group of a class": parse("min_group_recall[2]", ["accuracy >= 0.6"]),
    "recalls of groups": parse("accuracy", ["group_recall[*] >= 0.5"]),
    "equal opportunity": parse("accuracy", ["equal_opportunity[1] <= 0.05"]),
    "equalized odds": parse("mean_recall", ["equalized_odds <= 0.05"]),
}


@pytest.mark.parametrize("problem", BINDING.values(), ids=BINDING)
def test_the_mean_of_the_iterates_reaches_the_linear_programs_optimum(problem):
    data, bound = finite(), problem.bind(COUNTS[:3])
    best = linear_program(problem, data)
    assert best.success
    confusion = iterate(problem, data, steps=2000, step=0.1)
    assert bound.value(confusion) == pytest.approx(-best.fun, abs=0.004)
    assert is_met(bound, confusion, tolerance=0.004)


@pytest.mark.parametrize("problem", BINDING.values(), ids=BINDING)
def test_the_starting_multipliers_would_not_reach_it(problem):
    """Else the test above would hold for a rule that never moves."""
    data, bound = finite(), problem.bind(COUNTS[:3])
    first = data.decide(bound.gain(bound.start(), data.shares))
    misses = bound.value(first) < -linear_program(problem, data).fun - 0.01
    assert misses or not is_met(bound, first, tolerance=0.01)


@pytest.mark.parametrize(
    "problem",
    [
        bounded("accuracy", "recall", 0.99),
        Objective("accuracy", (LinearConstraint("coverage", "*", ">=", 0.4),)),
        parse("accuracy", ["group_recall[*] >= 0.95"]),
        parse("accuracy", ["equalized_odds <= 0.01", "recall[*] >= 0.75"]),
    ],
    ids=["recall", "coverage", "recalls of groups", "equalized odds, recall"],
)
def test_constraints_that_no_classifier_meets_are_seen(problem):
    data = finite()
    assert linear_program(problem, data).status == 2
    confusion = iterate(problem, data, steps=1000, step=0.05)
    bound = problem.bind(COUNTS[:3])
    assert not is_met(bound, confusion, tolerance=0.01)
    assert bound.slacks(confusion).min() < -0.02


@pytest.mark.parametrize("goal", ["quadratic_mean", "g_mean"])
def test_a_concave_goal_is_reached_by_its_own_linearisation(goal):
    """Frank–Wolfe: for a concave goal, max over C' of ⟨slope, C' − C⟩ bounds what is missing."""
    data, bound = finite(), Objective(goal).bind(COUNTS[:3])
    confusion = data.decide(np.eye(3))
    for k in range(500):
        gains = bound.gain(bound.start(), data.shares, confusion)
        confusion = confusion + 2 / (k + 3) * (data.decide(gains) - confusion)
    gains = bound.gain(bound.start(), data.shares, confusion)
    assert (gains * (data.decide(gains) - confusion)).sum() < 5e-3


def test_a_smooth_gain_weighs_rows_by_the_shift_of_the_label_shares():
    """A recall's slope by the training confusion is 1/π^train, whatever the held-out shares."""
    confusion = random_confusion(0)
    balanced = confusion / confusion.sum((0, 2))[:, None] / 4
    gains = [bind(Objective("quadratic_mean")).gain(np.zeros(0), TRAIN, c)
             for c in (confusion, balanced)]  # fmt: skip
    np.testing.assert_allclose(*gains)


# Multipliers.


def test_multipliers_stay_where_they_belong():
    bound, confusion = bind(MIXED), random_confusion(0)
    multipliers = bound.start()
    assert bound.n_multipliers == multipliers.size == 4 + 1 + 4 + 1
    for _ in range(5):
        multipliers = bound.update(multipliers, confusion, 0.7)
        assert multipliers[:4].sum() == pytest.approx(1) and (multipliers >= 0).all()


def test_the_simplex_update_is_the_exponentiated_gradient():
    bound, confusion = bind(Objective("min_recall")), random_confusion(0)
    lam = np.array([0.1, 0.2, 0.3, 0.4])
    by_hand = lam * np.exp(-0.5 * np.diag(confusion.sum(0)) / confusion.sum((0, 2)))
    np.testing.assert_allclose(bound.update(lam, confusion, 0.5), by_hand / by_hand.sum())


def test_a_constraint_that_holds_with_room_lets_go_of_its_multiplier():
    bound = bounded("accuracy", "recall", 0.2).bind(COUNTS)
    np.testing.assert_allclose(bound.update(np.full(4, 1.0), PERFECT, 1.0), 0.2)
    np.testing.assert_allclose(bound.update(np.full(4, 1.0), PERFECT, 2.0), 0.0)


def test_a_multiplier_that_vanished_comes_back():
    bound = bind(Objective("min_recall"))
    easy = PERFECT.copy()
    easy[:, 0] = np.outer(TRAIN[0], [0, 1, 0, 0])
    multipliers = bound.start()
    for _ in range(40):
        multipliers = bound.update(multipliers, easy, 100.0)
    assert multipliers[0] == 1
    for _ in range(20):
        multipliers = bound.update(multipliers, USELESS, 100.0)
    assert multipliers[0] < 1e-6


def test_negative_gains_are_shifted_by_row_and_the_decision_stays():
    gains = (
        bounded("accuracy", "precision", 0.9)
        .bind(COUNTS)
        .gain(np.array([3.0, 0.1, 2.0, 0.5]), TRAIN)
    )
    shifted, shift = non_negative(gains), non_negative(gains) - gains
    assert gains.min() < 0 <= shifted.min()
    np.testing.assert_allclose(shift, np.tile(shift[:, :1], 4))
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 500)
    assert (bayes_decision(gains, probabilities) == bayes_decision(shifted, probabilities)).all()
    np.testing.assert_array_equal(non_negative(np.eye(4)), np.eye(4))


def test_multipliers_are_named_by_what_they_weigh():
    lines = ["coverage[head] >= 0.1", "accuracy >= 0.5", "recall[*] >= 0.2", "recall[2] >= 0.6"]
    assert bind(parse("min_recall[deer, 0]", lines)).names() == (
        "min_recall[deer]", "min_recall[car]", "coverage[head]", "accuracy",
        "recall[car]", "recall[ship]", "recall[truck] >= 0.2", "recall[deer]",
        "recall[truck] >= 0.6",
    )  # fmt: skip
    assert bind(Objective("min_head_tail_recall")).names()[1] == "min_head_tail_recall[tail]"
    bound = bind(parse("min_group_recall[ship]", ["equal_opportunity[truck] <= 0.1"]))
    assert bound.names() == (
        "min_group_recall[ship, day]", "min_group_recall[ship, night]",
        "equal_opportunity[truck, day, +]", "equal_opportunity[truck, night, +]",
        "equal_opportunity[truck, day, −]", "equal_opportunity[truck, night, −]",
    )  # fmt: skip
    assert Objective("min_recall").bind(COUNTS).names()[3] == "min_recall[3]"


@pytest.mark.parametrize("problem", EVERY.values(), ids=EVERY)
def test_every_multiplier_has_a_name_of_its_own(problem):
    bound = bind(problem)
    assert len(set(bound.names())) == bound.n_multipliers == bound.start().size


def test_a_cell_without_training_examples_is_named_before_anything_trains():
    counts = COUNTS.copy()
    counts[[1, 3], [0, 1]] = 0
    for line in ("group_recall[*] >= 0.5", "equalized_odds <= 0.1"):
        with pytest.raises(DataError, match=r"2 of 8 \(class, group\) cells: \(1, 0\), \(3, 1\)"):
            parse("accuracy", [line]).bind(counts)
    parse("accuracy", ["equal_opportunity[0, 2] <= 0.1", "recall >= 0.5"]).bind(counts)


@pytest.mark.parametrize("line", ["group_recall[*] >= 0.5", "equalized_odds <= 0.1"])
def test_a_cell_without_examples_in_the_estimate_is_named(line):
    confusion = random_confusion(0)
    confusion[1, 2] = 0
    bound = bind(parse("accuracy", [line]))
    with pytest.raises(DataError, match=r"1 of 8 \(class, group\) cells: \(2, 1\)"):
        bound.update(bound.start(), confusion, 0.1)


@pytest.mark.parametrize("goal", ["min_recall", *SMOOTH])
def test_a_class_without_examples_is_named(goal):
    confusion = random_confusion(0)
    confusion[:, 2] = 0
    with pytest.raises(DataError, match="no example of 1 of 4 classes: 2"):
        bind(Objective(goal)).value(confusion)


# Writing.


@pytest.mark.parametrize(
    ("maximize", "lines", "named"),
    [
        ("min_recall", [], Objective("min_recall")),
        ("accuracy", ["recall[*] >= 0.5"], bounded("accuracy", "recall", 0.5)),
        ("accuracy", ["precision >= 0.6"], bounded("accuracy", "precision", 0.6)),
        ("mean_recall", ["coverage[*] >= 0.95*prior"], PROBLEMS["coverage"]),
        ("mean_recall", ["balanced_coverage[*]>=0.95 / m"], PROBLEMS["balanced coverage"]),
        ("min_head_tail_recall", [], Objective("min_head_tail_recall")),
        (
            "mean_recall",
            ["balanced_coverage[head] >= 0.95/m", "balanced_coverage[tail] >= 0.95/m"],
            halves_covered(),
        ),
    ],
)
def test_the_papers_problems_can_be_written(maximize, lines, named):
    assert parse(maximize, lines, NAMES) == named


def test_classes_are_named_one_by_one():
    problem = parse("micro_f1[ship, deer]", ["recall[truck, car] >= 0.6"], NAMES)
    cells = TrainingSet.of(COUNTS, NAMES)
    assert cells.members(problem.classes).tolist() == [1, 3]
    assert cells.members(problem.subject_to[0].classes).tolist() == [2, 0]
    np.testing.assert_allclose(bind(problem).slacks(PERFECT), 0.4)


def test_where_no_class_is_called_so_a_number_is_an_index():
    assert TrainingSet.of(COUNTS, NAMES).members(("3", "car", "0")).tolist() == [3, 0]
    assert TrainingSet.of(COUNTS, ("3", "2", "1", "0")).members(("3", "0")).tolist() == [0, 3]
    parse("min_recall[3]", ["recall[0, deer] >= 0.5"], NAMES)
    with pytest.raises(SpecError, match="no class is called '4'"):
        parse("min_recall[4]", [], NAMES)


def test_while_the_classes_are_not_known_any_name_will_do():
    problem = parse("min_recall[lorry]", ["recall[3, truck] >= 0.6"])
    assert problem == parse("min_recall[lorry]", ["recall[3, truck] >= 0.6"], (*NAMES, "lorry"))
    with pytest.raises(SpecError, match="no class is called 'lorry'"):
        bind(problem)
    with pytest.raises(
        SpecError, match=r"(?s)maximize: no goal.*subject_to.0: the bound of recall"
    ):
        parse("min_recal[lorry]", ["recall[lorry] >= 6"])


@pytest.mark.parametrize(
    ("maximize", "line", "message"),
    [
        ("accuracy", "equalized_odds >= 0.1", r"(?s)difference between groups.*equalized_odds <="),
        (
            "accuracy",
            "equalized_odds[car] <= 0.1",
            r"(?s)of all classes.*equal_opportunity\[name\]",
        ),
        ("accuracy", "equal_opportunity <= 0.1", r"(?s)classes named.*equalized_odds <= 0.05"),
        ("accuracy", "equal_opportunity[tail] <= 0.1", "of the classes named"),
        ("accuracy", "equal_opportunity[car] <= 0.1/m", "bound by a number"),
        ("accuracy", "group_recall[head] >= 0.1", "bound class by class"),
        ("mean_recall", "recal[car] >= 0.5", "subject_to.0: no rate is called 'recal'"),
        ("mean_recall", "recall[truk] >= 0.5", r"(?s)no class is called 'truk'.*mean 'truck'"),
        ("mean_recall", "recall[car] >= 60", r"(?s)bound of recall is 60.*\[0, 1\]"),
        ("mean_recall", "recall[car] >= -0.1", "bound of recall is -0.1"),
        ("mean_recall", "recall[car] = 0.5", r"(?s)is not a constraint.*rate\[classes\] >= bound"),
        ("mean_recall", "recall[car] >= 0.5.1", "is not a constraint"),
        ("mean_recall", "precision[tail] >= 0.5", "a mean of precisions"),
        ("mean_recall", "accuracy[car] >= 0.5", "one number over all classes"),
        ("mean_recal", "accuracy >= 0.5", r"(?s)maximize: no goal.*mean 'mean_recall'"),
        ("accuracy[car]", "accuracy >= 0.5", "accuracy is over all classes"),
        ("mean recall", "accuracy >= 0.5", "'mean recall' is not a goal"),
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
    assert len({Objective("min_recall"), Objective("min_recall"), PROBLEMS["coverage"]}) == 2
