"""What is maximised: a rate's mean, the smallest of several rates, or a smooth function of C.

A goal is bound to the training counts, because they say which classes are head and tail. `value` is
the goal itself. `slope` is the derivative by C of what the Lagrangian has in its place: the goal,
or, for a minimum, the rates under it weighed by their multipliers.

Label shares π are given, not the row sums of C, so that a slope treats them as constants. With C's
own row sums the derivative would differ by a constant in each row, which no Bayes decision sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from harness.objectives.rates import (
    RATES,
    Classes,
    Confusion,
    Gains,
    PerClass,
    Rate,
    mean_weights,
    members,
)

Multipliers = Float[np.ndarray, " multipliers"]
FLOOR = 1e-3
"""Recalls below it count as this much in the slope of the G-mean, which has none at 0."""


@runtime_checkable
class BoundGoal(Protocol):
    """A goal for one training set; `n_multipliers` is 0 unless it is a minimum."""

    @property
    def n_multipliers(self) -> int: ...

    def value(self, confusion: Confusion, prior: PerClass) -> float: ...

    def rates(self, confusion: Confusion, prior: PerClass) -> Multipliers:
        """What each multiplier weighs: the rates under the minimum."""
        ...

    def gain(self, multipliers: Multipliers, train: PerClass, confusion: Confusion | None) -> Gains:
        """Derivative by the confusion matrix of data with label shares `train`."""
        ...


@dataclass(frozen=True)
class Mean:
    """One linear rate, summed over classes with these weights."""

    rate: Rate
    weights: PerClass
    n_multipliers: int = 0

    def value(self, confusion: Confusion, prior: PerClass) -> float:
        return float(self.rate.values(self.weights[None], confusion, prior)[0])

    def rates(self, confusion: Confusion, prior: PerClass) -> Multipliers:
        return np.zeros(0)

    def gain(self, multipliers: Multipliers, train: PerClass, confusion: Confusion | None) -> Gains:
        return self.rate.coefficients(self.weights, train)


@dataclass(frozen=True)
class Minimum:
    """The smallest of several sums of a rate, one a row of weights: min_k = min over λ of Σ λ_k."""

    rate: Rate
    weights: Float[np.ndarray, "multipliers classes"]

    @property
    def n_multipliers(self) -> int:
        return len(self.weights)

    def value(self, confusion: Confusion, prior: PerClass) -> float:
        return float(self.rates(confusion, prior).min())

    def rates(self, confusion: Confusion, prior: PerClass) -> Multipliers:
        return self.rate.values(self.weights, confusion, prior)

    def gain(self, multipliers: Multipliers, train: PerClass, confusion: Confusion | None) -> Gains:
        return self.rate.coefficients(multipliers @ self.weights, train)


class Linearised(NamedTuple):
    """A smooth function of C at one C: its value and its derivative."""

    value: float
    slope: Gains


Smooth = Callable[[Confusion, PerClass, Int[np.ndarray, " members"]], Linearised]


@dataclass(frozen=True)
class SmoothGoal:
    """A smooth function of recalls or precisions, linearised at the last estimate of C.

    The estimate is of held-out data whose label shares π may differ from the training set's. An
    entry of the training confusion matrix stands for π_i / π_i^train of it, so that is the factor
    of row i of the gain: 1 / π^train for a recall, as in the linear problems.
    """

    function: Smooth
    chosen: Int[np.ndarray, " members"]
    n_multipliers: int = 0

    def value(self, confusion: Confusion, prior: PerClass) -> float:
        return self.function(confusion, prior, self.chosen).value

    def rates(self, confusion: Confusion, prior: PerClass) -> Multipliers:
        return np.zeros(0)

    def gain(self, multipliers: Multipliers, train: PerClass, confusion: Confusion | None) -> Gains:
        assert confusion is not None, "a smooth goal is linearised at an estimate"
        prior = confusion.sum(1)
        slope = self.function(confusion, prior, self.chosen).slope
        return np.asarray(slope * (prior / train)[:, None])


def g_mean(confusion: Confusion, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """(Π_y rec_y)^(1/k) over the k classes chosen; slope f / (k · rec_y · π_y) on the diagonal."""
    recalls = np.diag(confusion)[chosen] / prior[chosen]
    floored = np.maximum(recalls, FLOOR)
    slope = np.exp(np.log(floored).mean()) / (chosen.size * floored)
    value = 0.0 if (recalls <= 0).any() else float(np.exp(np.log(recalls).mean()))
    return Linearised(value, _diagonal(slope, prior, chosen))


def quadratic_mean(confusion: Confusion, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """1 − √(mean_y (1 − rec_y)²) over the classes chosen; rec_y near 1 counts least."""
    missed = 1 - np.diag(confusion)[chosen] / prior[chosen]
    size = float(np.sqrt((missed**2).mean()))
    # At recalls of 1 the root has no slope; the mean recall's is one of its tangents.
    slope = missed / (chosen.size * size) if size > 0 else np.full(chosen.size, 1 / chosen.size)
    return Linearised(1 - size, _diagonal(slope, prior, chosen))


def macro_f1(confusion: Confusion, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """Mean over the classes chosen of 2·C_yy / (π_y + cov_y)."""
    size = (prior + confusion.sum(0))[chosen]
    f1 = 2 * np.diag(confusion)[chosen] / size
    slope = np.zeros_like(confusion)
    slope[:, chosen] = -f1 / (size * chosen.size)
    slope[chosen, chosen] += 2 / (size * chosen.size)
    return Linearised(float(f1.mean()), slope)


def micro_f1(confusion: Confusion, prior: PerClass, chosen: np.ndarray) -> Linearised:
    """2·Σ_y C_yy / Σ_y (π_y + cov_y) over the classes chosen; over all classes, the accuracy."""
    size = float((prior + confusion.sum(0))[chosen].sum())
    f1 = float(2 * np.diag(confusion)[chosen].sum() / size)
    slope = np.zeros_like(confusion)
    slope[:, chosen] = -f1 / size
    slope[chosen, chosen] += 2 / size
    return Linearised(f1, slope)


def _diagonal(slope: np.ndarray, prior: PerClass, chosen: np.ndarray) -> Gains:
    gains = np.zeros((prior.size, prior.size))
    gains[chosen, chosen] = slope / prior[chosen]
    return gains


SMOOTH: Mapping[str, Smooth] = {
    "macro_f1": macro_f1,
    "micro_f1": micro_f1,
    "g_mean": g_mean,
    "quadratic_mean": quadratic_mean,
}
GOALS = ("accuracy", "mean_recall", "min_recall", "min_head_tail_recall", *SMOOTH)


def bind_goal(name: str, classes: Classes, counts: Int[np.ndarray, " classes"]) -> BoundGoal:
    """The named goal over some classes of one training set."""
    chosen = members(classes, counts)
    match name:
        case "accuracy":
            return Mean(RATES["accuracy"], np.full(counts.size, 1 / counts.size))
        case "mean_recall":
            return Mean(RATES["recall"], mean_weights(classes, counts))
        case "min_recall":
            return Minimum(RATES["recall"], np.eye(counts.size)[chosen])
        case "min_head_tail_recall":
            halves = [mean_weights("head", counts), mean_weights("tail", counts)]
            return Minimum(RATES["recall"], np.stack(halves))
    return SmoothGoal(SMOOTH[name], chosen)
