"""Objectives: a goal, linear constraints on rates, and their Lagrangian.

    L(C, λ) = goal(C) + Σ_k λ_k · slack_k(C)        λ ≥ 0
    L(C, λ) = Σ_k λ_k · rate_k(C) + …               λ on the simplex, for the smallest of rates

Gains use the shares of labels and groups in the training set. Estimates for the update of λ use
those of the held-out split. narasimhan2021training writes π for both (Algorithms 1 and 2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.objectives.constraints import BoundConstraint, LinearConstraint
from evenhand.objectives.goals import GOALS, BoundGoal, Multipliers, bind_goal
from evenhand.objectives.rates import Confusion, Gains, Shares, on_diagonals, shares_of
from evenhand.objectives.training_set import ClassSubset, TrainingSet


@dataclass(frozen=True)
class Objective:
    """Declaration of an objective.

    >>> from evenhand.objectives.parse import parse
    >>> bound = parse("min_recall", ["coverage[*] >= 0.95/m"]).bind(np.array([[90], [10]]))
    >>> bound.names()
    ('min_recall[0]', 'min_recall[1]', 'coverage[0]', 'coverage[1]')
    """

    maximize: str
    """Name of the goal."""
    subject_to: tuple[LinearConstraint, ...] = ()
    """Constraints."""
    classes: ClassSubset = "*"
    """Classes of the goal."""

    def __post_init__(self) -> None:
        if self.maximize not in GOALS:
            right, hint = suggest(self.maximize, GOALS, "goal")
            raise SpecError([Mistake(f"no goal is called {self.maximize!r}", (), right, hint)])
        if self.maximize in ("accuracy", "min_head_tail_recall") and self.classes != "*":
            what = f"{self.maximize} is over all classes"
            raise SpecError([Mistake(what, (), f"write {self.maximize} without classes")])

    def bind(
        self,
        counts: TrainingCounts,
        classes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> BoundObjective:
        """The objective for a training set with these counts and names.

        Raises `SpecError` for an unknown class, and `DataError` for a rate over a class or a
        (class, group) cell without a training example.
        """
        training = TrainingSet.of(counts, classes, groups)
        goal = bind_goal(self.maximize, self.classes, training)
        bound = BoundObjective(goal, tuple(c.bind(training) for c in self.subject_to))
        # A rate that cannot be evaluated fails here, and not at the first multiplier above 0.
        perfect = on_diagonals(counts / counts.sum())
        bound.value(perfect)
        bound.slacks(perfect)
        return bound

    def bind_to_labels(self, labels: Labels) -> BoundObjective | None:
        """The objective for invented counts, to check it before data are read; raises as `bind`.

        None if it names classes whose names are known from the data only.
        """
        written = [self.classes, *(constraint.classes for constraint in self.subject_to)]
        names = [name for each in written if isinstance(each, tuple) for name in each]
        if labels.classes is None and not all(name.isdigit() for name in names):
            return None
        falling = np.arange(labels.n_classes, 0, -1)
        counts = np.repeat(falling[:, None], labels.n_groups, axis=1)
        return self.bind(counts, labels.classes)


@dataclass(frozen=True)
class BoundObjective:
    """An objective for one training set.

    λ has the rates of a minimum first, on the simplex, and then the bounds, each at least 0.
    Confusions are shares [groups, classes, classes] that add up to 1 over all three axes. `train`
    and `shares` are shares of labels and groups [classes, groups].
    """

    goal: BoundGoal
    """The goal."""
    constraints: tuple[BoundConstraint, ...]
    """The constraints."""

    @property
    def n_multipliers(self) -> int:
        """Length of λ."""
        return len(self.goal.names) + sum(len(c.names) for c in self.constraints)

    def names(self) -> tuple[str, ...]:
        """Name of each multiplier: `min_recall[truck]`, `coverage[head]`.

        For a rate with two bounds the name contains the bound: `recall[truck] >= 0.6`.
        """
        short = Counter(name for c in self.constraints for name in c.names)
        bounds = [
            name if short[name] == 1 else f"{name} {c.spec.sense} {c.spec.bound:g}"
            for c in self.constraints
            for name in c.names
        ]
        return (*self.goal.names, *bounds)

    def start(self) -> Multipliers:
        """The multipliers before any estimate: uniform on the simplex, zero for constraints."""
        rates = len(self.goal.names)
        return np.concatenate(
            [np.full(rates, 1 / max(1, rates)), np.zeros(self.n_multipliers - rates)]
        )

    def value(self, confusion: Confusion) -> float:
        """Value of the goal, without the constraints."""
        return self.goal.value(confusion, shares_of(confusion))

    def slacks(self, confusion: Confusion) -> Multipliers:
        """Slack of each bound, negative where it is violated, in the order of the multipliers."""
        shares = shares_of(confusion)
        slacks = [constraint.slacks(confusion, shares) for constraint in self.constraints]
        return np.concatenate([np.zeros(0), *slacks])

    def update(self, multipliers: Multipliers, confusion: Confusion, step: float) -> Multipliers:
        """λ after one step of descent on the Lagrangian, by an estimate from held-out data.

        simplex      λ_k ← λ_k · exp(−step · rate_k), normalised (exponentiated gradient)
        constraints  λ_k ← max(0, λ_k − step · slack_k)
        """
        rates = self.goal.rates(confusion, shares_of(confusion))
        of_rates, of_bounds = np.split(multipliers, [rates.size])
        if rates.size:
            # In logarithms and above 0, so that the multiplier of a rate can grow again.
            logs = np.log(np.maximum(of_rates, np.finfo(np.float64).tiny)) - step * rates
            of_rates = np.exp(logs - logs.max())
            of_rates = of_rates / of_rates.sum()
        return np.concatenate([of_rates, np.maximum(0, of_bounds - step * self.slacks(confusion))])

    def gain(
        self, multipliers: Multipliers, train: Shares, confusion: Confusion | None = None
    ) -> Gains:
        """G(λ, π^train), the derivative of the Lagrangian by the confusion on training data.

        The shape is [classes, classes], or [groups, classes, classes] for objectives over groups.
        confusion is the last estimate from held-out data, which smooth goals need.
        """
        of_rates, of_bounds = np.split(multipliers, [len(self.goal.names)])
        gains = self.goal.gain(of_rates, train, confusion)
        for constraint, part in zip(self.constraints, self._parts(of_bounds), strict=True):
            gains = gains + constraint.gain(part, train)
        return gains

    def _parts(self, of_bounds: Multipliers) -> list[np.ndarray]:
        borders = np.cumsum([len(c.names) for c in self.constraints])
        return np.split(of_bounds, borders[:-1]) if self.constraints else []


def bayes_decision(
    gains: Gains, probabilities: Float[np.ndarray, "n *groups classes"]
) -> Int[np.ndarray, " n"]:
    """Bayes decision argmax_j Σ_i G_ij p_i of each row (narasimhan2021training, Proposition 1).

    Over groups it is argmax_j Σ_gi G_gij p_gi, with the joint probabilities p of group and label.

    >>> bayes_decision(np.diag([1.0, 4.0]), np.array([[0.7, 0.3], [0.9, 0.1]]))
    array([1, 0])
    """
    flat = probabilities.reshape(len(probabilities), -1)
    return np.asarray((flat @ gains.reshape(-1, gains.shape[-1])).argmax(1))
