"""Goals: the mean of a rate, the minimum of several rates, or a smooth function of C.

A goal is bound to the training counts, which define head and tail. `value` is the goal itself.
`gain` is the derivative by C of the goal's term in the Lagrangian: the goal, or for a minimum the
sum of its rates weighted by their multipliers.

Shares π are arguments and not the row sums of C, so that derivatives treat them as constants. With
the row sums of C a gain would change by a constant in each row, which no Bayes decision depends on.

The mean recall is (1/m) Σ_y rec_y. narasimhan2021training has the 1/m in the gain of its text and
omits it in Table 1; the two differ by a factor of m on λ, hence on the step of its update.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from evenhand.objectives.rates import (
    RATES,
    Confusion,
    Gains,
    Matrix,
    PerClass,
    Rate,
    Shares,
    divided,
    shares_of,
)
from evenhand.objectives.training_set import ClassSubset, Terms, TrainingSet

Multipliers = Float[np.ndarray, " multipliers"]
FLOOR = 1e-3
"""Lower limit of recalls in the slope of the G-mean, which is infinite at 0."""


@runtime_checkable
class BoundGoal(Protocol):
    """A goal for one training set."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the multipliers of a minimum; empty for other goals."""
        ...

    def value(self, confusion: Confusion, shares: Shares) -> float:
        """Value of the goal."""
        ...

    def rates(self, confusion: Confusion, shares: Shares) -> Multipliers:
        """The rates under a minimum, one for each multiplier; empty for other goals."""
        ...

    def gain(self, multipliers: Multipliers, train: Shares, confusion: Confusion | None) -> Gains:
        """Derivative by C, for data with these shares."""
        ...


@dataclass(frozen=True)
class Mean:
    """A weighted sum over classes of one linear rate."""

    rate: Rate
    """The rate."""
    weights: PerClass
    """Weight of each class."""
    names: tuple[str, ...] = ()
    """Empty: there is no multiplier."""

    def value(self, confusion: Confusion, shares: Shares) -> float:
        """Weighted sum of the rate over classes."""
        return float(self.rate.values(self.weights[None], confusion, shares)[0])

    def rates(self, confusion: Confusion, shares: Shares) -> Multipliers:
        """Empty: there is no multiplier."""
        return np.zeros(0)

    def gain(self, multipliers: Multipliers, train: Shares, confusion: Confusion | None) -> Gains:
        """Derivative by C, which is the same for every C and all multipliers."""
        return self.rate.coefficients(self.weights, train)


@dataclass(frozen=True)
class Minimum:
    """The minimum of several weighted sums r_k of a rate: min of Σ λ_k r_k, λ on the simplex."""

    rate: Rate
    """The rate."""
    weights: Float[np.ndarray, "multipliers units"]
    """Weights over classes or cells, one row for each multiplier."""
    names: tuple[str, ...]
    """Name of each multiplier."""

    def value(self, confusion: Confusion, shares: Shares) -> float:
        """Smallest of the rates."""
        return float(self.rates(confusion, shares).min())

    def rates(self, confusion: Confusion, shares: Shares) -> Multipliers:
        """Value of each rate r_k."""
        return self.rate.values(self.weights, confusion, shares)

    def gain(self, multipliers: Multipliers, train: Shares, confusion: Confusion | None) -> Gains:
        """Derivative of Σ λ_k r_k by C for multipliers λ."""
        return self.rate.coefficients(multipliers @ self.weights, train)


class Linearised(NamedTuple):
    """A smooth function of C, linearised at one C."""

    value: float
    """Value of the function."""
    slope: Matrix
    """Its derivative."""


Smooth = Callable[[Matrix, PerClass, Int[np.ndarray, " members"]], Linearised]


@dataclass(frozen=True)
class SmoothGoal:
    """A smooth function of recalls or precisions, linearised at the last estimate of C.

    The label shares π of the held-out data may differ from those of the training set. Row i of the
    slope is multiplied by π_i / π_i^train to become a gain on training data. For a recall this
    gives 1 / π^train, as for linear goals.
    """

    function: Smooth
    """The function, which returns value and slope."""
    chosen: Int[np.ndarray, " members"]
    """Indices of its classes."""
    names: tuple[str, ...] = ()
    """Empty: there is no multiplier."""

    def value(self, confusion: Confusion, shares: Shares) -> float:
        """Value of the function."""
        return self._at(confusion, shares.sum(1)).value

    def rates(self, confusion: Confusion, shares: Shares) -> Multipliers:
        """Empty: there is no multiplier."""
        return np.zeros(0)

    def gain(self, multipliers: Multipliers, train: Shares, confusion: Confusion | None) -> Gains:
        """Derivative by C at the last estimate of C, for data with the shares of `train`."""
        assert confusion is not None, "a smooth goal is linearised at an estimate"
        prior = shares_of(confusion).sum(1)
        slope = self._at(confusion, prior).slope
        return np.asarray(slope * (prior / train.sum(1))[:, None])

    def _at(self, confusion: Confusion, prior: PerClass) -> Linearised:
        divided(np.isin(np.arange(prior.size), self.chosen).astype(np.float64), prior)
        return self.function(confusion.sum(0), prior, self.chosen)


def g_mean(confusion: Matrix, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """G-mean (Π_y rec_y)^(1/k) over k classes; slope f / (k · rec_y · π_y) on the diagonal."""
    recalls = np.diag(confusion)[chosen] / prior[chosen]
    floored = np.maximum(recalls, FLOOR)
    slope = np.exp(np.log(floored).mean()) / (chosen.size * floored)
    value = 0.0 if (recalls <= 0).any() else float(np.exp(np.log(recalls).mean()))
    return Linearised(value, _diagonal(slope, prior, chosen))


def quadratic_mean(confusion: Matrix, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """Quadratic mean 1 − √(mean_y (1 − rec_y)²) over a subset of classes."""
    missed = 1 - np.diag(confusion)[chosen] / prior[chosen]
    size = float(np.sqrt((missed**2).mean()))
    # The root is not differentiable at recalls of 1; the mean recall has a valid slope there.
    slope = missed / (chosen.size * size) if size > 0 else np.full(chosen.size, 1 / chosen.size)
    return Linearised(1 - size, _diagonal(slope, prior, chosen))


def macro_f1(confusion: Matrix, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """Macro F1: the mean over a subset of classes of 2·C_yy / (π_y + cov_y)."""
    size = (prior + confusion.sum(0))[chosen]
    f1 = 2 * np.diag(confusion)[chosen] / size
    slope = np.zeros_like(confusion)
    slope[:, chosen] = -f1 / (size * chosen.size)
    slope[chosen, chosen] += 2 / (size * chosen.size)
    return Linearised(float(f1.mean()), slope)


def micro_f1(confusion: Matrix, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """Micro F1: 2·Σ_y C_yy / Σ_y (π_y + cov_y) over a subset; over all classes, the accuracy."""
    size = float((prior + confusion.sum(0))[chosen].sum())
    f1 = float(2 * np.diag(confusion)[chosen].sum() / size)
    slope = np.zeros_like(confusion)
    slope[:, chosen] = -f1 / size
    slope[chosen, chosen] += 2 / size
    return Linearised(f1, slope)


def _diagonal(slope: np.ndarray, prior: PerClass, chosen: np.ndarray) -> Matrix:
    gains = np.zeros((prior.size, prior.size))
    gains[chosen, chosen] = slope / prior[chosen]
    return gains


SMOOTH: Mapping[str, Smooth] = {
    "macro_f1": macro_f1,
    "micro_f1": micro_f1,
    "g_mean": g_mean,
    "quadratic_mean": quadratic_mean,
}
MINIMA = ("min_recall", "min_head_tail_recall", "min_group_recall")
GOALS = ("accuracy", "mean_recall", *MINIMA, *SMOOTH)


def bind_goal(name: str, classes: ClassSubset, training: TrainingSet) -> BoundGoal:
    """The named goal over a subset of classes, for one training set."""
    match name:
        case "accuracy":
            return Mean(RATES["accuracy"], training.mean("*"))
        case "mean_recall":
            return Mean(RATES["recall"], training.mean(classes))
        case "min_recall":
            return _minimum(name, "recall", training.each(classes))
        case "min_group_recall":
            return _minimum(name, "group_recall", training.each(classes, by_group=True))
        case "min_head_tail_recall":
            halves = np.stack([training.mean("head"), training.mean("tail")])
            return _minimum(name, "recall", Terms(halves, ("head", "tail")))
    return SmoothGoal(SMOOTH[name], training.members(classes))


def _minimum(name: str, rate: str, terms: Terms) -> Minimum:
    return Minimum(RATES[rate], terms.weights, tuple(f"{name}[{term}]" for term in terms.names))
