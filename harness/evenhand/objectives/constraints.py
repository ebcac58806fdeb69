"""Constraints on rates, with one Lagrange multiplier for each bound."""

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
"""Unit of a bound: 1, one over the number of classes, or the share of the class."""

CONSTRAINED = (*RATES, "precision")


@dataclass(frozen=True)
class LinearConstraint:
    """A bound on a rate, for each class of a subset, or for its mean over the head or the tail.

    Rates are recall, coverage, balanced_coverage, precision and accuracy, and over groups

        group_recall        recall of each (class, group) cell
        equal_opportunity   |group_recall_yg − recall_y| ≤ bound for the named classes y and every g
        equalized_odds      the same for every class

    Precision is not linear in C. prec_y ≥ t is replaced by C_yy − t·cov_y ≥ 0, which is equivalent
    where y is predicted at all, and this slack is reported. A mean of precisions has no such form.
    A bound on an absolute value is two bounds, named + and −.

    Raises `SpecError` for an unknown rate, and for a bound that the rate cannot have.

    >>> LinearConstraint("coverage", bound=0.95, unit="1/m")
    LinearConstraint(rate='coverage', classes='*', sense='>=', bound=0.95, unit='1/m')
    """

    rate: str
    """Name of the rate."""
    classes: ClassSubset = "*"
    """Classes, each with a bound of its own; or head or tail, with one bound on the mean."""
    sense: Sense = ">="
    """Direction of the bound."""
    bound: float = 0.0
    """The bound, in multiples of `unit`."""
    unit: Unit = "one"
    """1, one over the number of classes, or the class's share on the split of the estimate."""

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
        """Whether a rule is broken, the rule, and the correction."""
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
        """The constraint for one training set, with one row of weights for each multiplier.

        Raises `SpecError` for an unknown class, and for a difference between groups if there is
        one group.
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
    """A constraint for one training set."""

    spec: LinearConstraint
    """The declaration."""
    weights: Float[np.ndarray, "multipliers units"]
    """Weights over classes or cells, one row for each multiplier."""
    names: tuple[str, ...]
    """Name of each multiplier."""

    def slacks(self, confusion: Confusion, shares: Shares) -> Multipliers:
        """Slack of each bound, negative where the bound is violated."""
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
        """Derivative of Σ_k λ_k · slack_k by C."""
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
