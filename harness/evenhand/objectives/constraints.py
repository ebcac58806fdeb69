"""Constraints on rates, one multiplier for each bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from jaxtyping import Float

from evenhand.errors import Mistake, SpecError, suggest
from evenhand.objectives.goals import Multipliers
from evenhand.objectives.rates import RATES, Confusion, Gains, Shares
from evenhand.objectives.training_set import ClassSubset, Terms, TrainingSet

Sense = Literal[">=", "<="]
Unit = Literal["one", "1/m", "prior"]
"""What a bound is a multiple of: 1, one over the number of classes, the class's own share."""

CONSTRAINED = (*RATES, "precision")


@dataclass(frozen=True)
class LinearConstraint:
    """rate ≥ bound, or ≤: for each class listed, or for the mean over head or tail.

    rate is one of recall, coverage, balanced_coverage, precision and accuracy; or, over groups,

        group_recall        of each (class, group) cell
        equal_opportunity   |group_recall_yg − recall_y| ≤ bound for the classes named, every g
        equalized_odds      the same for every class

    The bound of `unit="prior"` is that multiple of the class's share on the split estimated.

    Precision is not linear in C. prec_y ≥ t is kept as C_yy − t·cov_y ≥ 0, which says the same
    wherever y is predicted, and is the slack that is reported; a mean of precisions has no such
    form. An absolute value is two bounds, named + and −.

    Raises `SpecError` for a rate that there is not, or a bound that it cannot have.
    """

    rate: str
    classes: ClassSubset = "*"
    sense: Sense = ">="
    bound: float = 0.0
    unit: Unit = "one"

    def __post_init__(self) -> None:
        if self.rate not in CONSTRAINED:
            right, hint = suggest(self.rate, CONSTRAINED, "rate")
            raise SpecError([Mistake(f"no rate is called {self.rate!r}", (), right, hint)])
        if self.bound < 0 or (self.unit == "one" and self.bound > 1):
            self._no_share(self.bound)
        for is_wrong, what, right in self._rules():
            if is_wrong:
                raise SpecError([Mistake(what, (), right)])

    def _rules(self) -> Iterator[tuple[bool, str, str]]:
        """Whether the constraint is none, what is wrong then, and what would be right."""
        of_half, is_scaled = self.classes in ("head", "tail"), self.unit != "one"
        match self.rate:
            case "accuracy":
                what = "accuracy is one number over all classes"
                wrong = self.classes != "*" or is_scaled
                yield wrong, what, "bound it by a number: accuracy >= 0.7"
            case "precision":
                what = "a mean of precisions, or one bound by label shares, is not linear"
                wrong = of_half or self.unit == "prior"
                yield wrong, what, "bound the precision of each class by a number"
            case "group_recall":
                what = "recalls of groups are bound class by class, by a number"
                yield of_half or is_scaled, what, "write group_recall[*] >= 0.6, or name classes"
            case "equal_opportunity":
                what = "equal opportunity is of the classes named, bound by a number"
                right = "equal_opportunity[name] <= 0.05; for all classes equalized_odds <= 0.05"
                yield not isinstance(self.classes, tuple) or is_scaled, what, right
            case "equalized_odds":
                what = "equalized odds are of all classes, bound by a number"
                right = "equalized_odds <= 0.05; for one class equal_opportunity[name] <= 0.05"
                yield self.classes != "*" or is_scaled, what, right
        what = f"{self.rate} is a difference between groups"
        right = f"bound it from above: {self.rate} <= {self.bound:g}"
        yield self._is_absolute and self.sense == ">=", what, right

    def _no_share(self, bound: float) -> NoReturn:
        what = f"the bound of {self.rate} is {bound:g}"
        right = "rates are shares: a bound is in [0, 1]"
        hint = f"write {bound:g} % as {bound / 100:g}" if bound > 1 else ""
        raise SpecError([Mistake(what, (), right, hint)])

    @property
    def _is_absolute(self) -> bool:
        return self.rate in ("equal_opportunity", "equalized_odds")

    def bind(self, training: TrainingSet) -> BoundConstraint:
        """One row of weights for each multiplier.

        Raises `SpecError` for an unknown class, and for a difference between groups where there is
        one.
        """
        share = self.bound / len(training.classes) if self.unit == "1/m" else 0.0
        if share > 1:
            self._no_share(share)
        if self._is_absolute and len(training.groups) < 2:
            what = f"{self.rate} compares groups, and this data set has one"
            raise SpecError([Mistake(what, (), "bound recalls of classes: recall[*] >= 0.6")])
        if self.rate == "accuracy":
            return BoundConstraint(self, training.mean("*")[None], ("accuracy",))
        if self.classes in ("head", "tail"):
            terms = Terms(training.mean(self.classes)[None], (str(self.classes),))
        else:
            by_group = self.rate in RATES and RATES[self.rate].by_group
            terms = training.each(self.classes, by_group=by_group)
        weights, names = terms
        if self._is_absolute:
            names = (*(f"{name}, +" for name in names), *(f"{name}, −" for name in names))
            weights = np.concatenate([weights, -weights])
        return BoundConstraint(self, weights, tuple(f"{self.rate}[{name}]" for name in names))


@dataclass(frozen=True)
class BoundConstraint:
    """A constraint for one training set: one multiplier for each row of weights."""

    spec: LinearConstraint
    weights: Float[np.ndarray, "multipliers units"]
    names: tuple[str, ...]

    def slacks(self, confusion: Confusion, shares: Shares) -> Multipliers:
        """By how much each bound is met; below 0 it is not."""
        if self.spec.rate == "precision":
            overall = confusion.sum(0)
            over = self.weights @ (np.diag(overall) - self._bound * overall.sum(0))
        else:
            bounds = self._bound
            if self.spec.unit == "prior":
                bounds = bounds * (self.weights @ shares.sum(1))
            over = RATES[self.spec.rate].values(self.weights, confusion, shares) - bounds
        return np.asarray(self._sign * over)

    def gain(self, multipliers: Multipliers, train: Shares) -> Gains:
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
