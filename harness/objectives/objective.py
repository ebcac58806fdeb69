"""An objective: a goal, linear constraints on rates, and the Lagrangian that joins them.

    L(C, λ) = goal(C) + Σ_k λ_k · slack_k(C)        λ ≥ 0
    L(C, λ) = Σ_k λ_k · rate_k(C) + …               λ on the simplex, for the smallest of rates

The training set's label shares make the gain; the estimates that move λ take those of the held-out
split (narasimhan2021training, Algorithms 1 and 2, where both are written π).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from harness.errors import Mistake, SpecError, suggest
from harness.objectives.goals import GOALS, BoundGoal, Multipliers, bind_goal
from harness.objectives.rates import (
    RATES,
    Classes,
    Confusion,
    Gains,
    PerClass,
    mean_weights,
    members,
)

Sense = Literal[">=", "<="]
Unit = Literal["one", "1/m", "prior"]
"""What a bound is a multiple of: 1, one over the number of classes, the class's own share."""

CONSTRAINED = (*RATES, "precision")


@dataclass(frozen=True)
class LinearConstraint:
    """rate ≥ bound, or ≤: for each class listed, or for the mean over head or tail.

    rate is one of recall, coverage, balanced_coverage, precision and accuracy. The bound of
    `unit="prior"` is that multiple of the class's label share on the split that is estimated.

    Precision is not linear in C. prec_y ≥ t is kept as C_yy − t·cov_y ≥ 0, which says the same
    wherever y is predicted, and is the slack that is reported; a mean of precisions has no such
    form.

    Raises `SpecError` for a rate that there is not, or a bound outside [0, 1].
    """

    rate: str
    classes: Classes = "*"
    sense: Sense = ">="
    bound: float = 0.0
    unit: Unit = "one"

    def __post_init__(self) -> None:
        if self.rate not in CONSTRAINED:
            right, hint = suggest(self.rate, CONSTRAINED, "rate")
            raise SpecError([Mistake(f"no rate is called {self.rate!r}", (), right, hint)])
        if not 0 <= self.bound <= 1:
            what = f"the bound of {self.rate} is {self.bound:g}"
            right = "rates are shares: a bound is in [0, 1]"
            raise SpecError([Mistake(what, (), right, "write 60 % as 0.6")])
        if self.rate == "accuracy" and (self.classes != "*" or self.unit != "one"):
            what = "accuracy is one number over all classes"
            raise SpecError([Mistake(what, (), "bound it by a number: accuracy >= 0.7")])
        if self.rate == "precision" and (self.classes in ("head", "tail") or self.unit == "prior"):
            what = "a mean of precisions, or one bound by label shares, is not linear"
            raise SpecError([Mistake(what, (), "bound the precision of each class by a number")])

    def bind(self, counts: Int[np.ndarray, " classes"]) -> BoundConstraint:
        """One row of weights for each multiplier."""
        if self.classes in ("head", "tail") or self.rate == "accuracy":
            weights = mean_weights(self.classes, counts)[None]
        else:
            weights = np.eye(counts.size)[members(self.classes, counts)]
        return BoundConstraint(self, weights)


@dataclass(frozen=True)
class BoundConstraint:
    """A constraint for one training set: one multiplier for each row of weights."""

    spec: LinearConstraint
    weights: Float[np.ndarray, "multipliers classes"]

    def slacks(self, confusion: Confusion, prior: PerClass) -> Multipliers:
        """By how much each bound is met; below 0 it is not."""
        if self.spec.rate == "precision":
            over = self.weights @ (np.diag(confusion) - self._bound * confusion.sum(0))
        else:
            bounds = self._bound
            if self.spec.unit == "prior":
                bounds = bounds * (self.weights @ prior)
            over = RATES[self.spec.rate].values(self.weights, confusion, prior) - bounds
        return np.asarray(self._sign * over)

    def gain(self, multipliers: Multipliers, train: PerClass) -> Gains:
        """Derivative by C of Σ_k λ_k · slack_k."""
        weights = self._sign * multipliers @ self.weights
        if self.spec.rate == "precision":
            return np.asarray(np.diag(weights) - self._bound * weights)
        return RATES[self.spec.rate].coefficients(weights, train)

    @property
    def _sign(self) -> int:
        return 1 if self.spec.sense == ">=" else -1

    @property
    def _bound(self) -> float:
        share = 1 / self.weights.shape[1] if self.spec.unit == "1/m" else 1.0
        return self.spec.bound * share


@dataclass(frozen=True)
class Objective:
    """A goal, the classes it is over, and constraints; before any training set is known."""

    maximize: str
    subject_to: tuple[LinearConstraint, ...] = ()
    classes: Classes = "*"

    def __post_init__(self) -> None:
        if self.maximize not in GOALS:
            right, hint = suggest(self.maximize, GOALS, "goal")
            raise SpecError([Mistake(f"no goal is called {self.maximize!r}", (), right, hint)])
        if self.maximize in ("accuracy", "min_head_tail_recall") and self.classes != "*":
            what = f"{self.maximize} is over all classes"
            raise SpecError([Mistake(what, (), f"write {self.maximize} without classes")])

    def bind(self, counts: Int[np.ndarray, "classes groups"]) -> BoundObjective:
        """Fill in which classes are meant; counts are the training set's."""
        n = counts.sum(1)
        goal = bind_goal(self.maximize, self.classes, n)
        return BoundObjective(goal, tuple(c.bind(n) for c in self.subject_to))


@dataclass(frozen=True)
class BoundObjective:
    """An objective for one training set. λ is [on the simplex, one a rate | ≥ 0, one a bound]."""

    goal: BoundGoal
    constraints: tuple[BoundConstraint, ...]

    @property
    def n_multipliers(self) -> int:
        return self.goal.n_multipliers + sum(len(c.weights) for c in self.constraints)

    def start(self) -> Multipliers:
        """The multipliers before any estimate: uniform on the simplex, zero for constraints."""
        rates = self.goal.n_multipliers
        return np.concatenate(
            [np.full(rates, 1 / max(1, rates)), np.zeros(self.n_multipliers - rates)]
        )

    def value(self, confusion: Confusion) -> float:
        """The goal itself, whatever the constraints."""
        return self.goal.value(confusion, confusion.sum(1))

    def slacks(self, confusion: Confusion) -> Multipliers:
        """By how much each constraint is met, in the order of their multipliers."""
        return self._slacks(confusion, confusion.sum(1))

    def is_met(self, confusion: Confusion, tolerance: float = 0.0) -> bool:
        """Whether no constraint fails by more than the tolerance."""
        return bool((self.slacks(confusion) >= -tolerance).all())

    def update(self, multipliers: Multipliers, confusion: Confusion, step: float) -> Multipliers:
        """λ after one step against the Lagrangian, on an estimate from held-out data.

        simplex      λ_k ← λ_k · exp(−step · rate_k), normalised (exponentiated gradient)
        constraints  λ_k ← max(0, λ_k − step · slack_k)
        """
        rates = self.goal.rates(confusion, confusion.sum(1))
        held, free = np.split(multipliers, [rates.size])
        if rates.size:
            # In logarithms, and off zero, so that a rate long at its ease can come back.
            logs = np.log(np.maximum(held, np.finfo(np.float64).tiny)) - step * rates
            held = np.exp(logs - logs.max())
            held = held / held.sum()
        return np.concatenate([held, np.maximum(0, free - step * self.slacks(confusion))])

    def gain(
        self, multipliers: Multipliers, train: PerClass, confusion: Confusion | None = None
    ) -> Gains:
        """G(λ, π^train): the derivative of the Lagrangian by the training confusion matrix.

        confusion is the last estimate from held-out data; smooth goals need it.
        """
        held, free = np.split(multipliers, [self.goal.n_multipliers])
        gains = self.goal.gain(held, train, confusion)
        for constraint, part in zip(self.constraints, self._parts(free), strict=True):
            gains = gains + constraint.gain(part, train)
        return gains

    def lagrangian(
        self, multipliers: Multipliers, confusion: Confusion, prior: PerClass | None = None
    ) -> float:
        """L(C, λ); prior stands for the label shares, which are C's row sums unless given."""
        prior = confusion.sum(1) if prior is None else prior
        held, free = np.split(multipliers, [self.goal.n_multipliers])
        rates = self.goal.rates(confusion, prior)
        goal = held @ rates if rates.size else self.goal.value(confusion, prior)
        return float(goal + free @ self._slacks(confusion, prior))

    def _slacks(self, confusion: Confusion, prior: PerClass) -> Multipliers:
        parts = [constraint.slacks(confusion, prior) for constraint in self.constraints]
        return np.concatenate([np.zeros(0), *parts])

    def _parts(self, free: Multipliers) -> list[np.ndarray]:
        borders = np.cumsum([len(c.weights) for c in self.constraints])
        return np.split(free, borders[:-1]) if self.constraints else []


def bayes_decision(
    gains: Gains, probabilities: Float[np.ndarray, "n classes"]
) -> Int[np.ndarray, " n"]:
    """argmax_j Σ_i G_ij p_i of each row (narasimhan2021training, Proposition 1)."""
    return np.asarray((probabilities @ gains).argmax(1))
