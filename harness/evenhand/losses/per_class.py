"""Vectors over classes, computed from the training counts in NumPy float64.

    n_y  training examples of class y        π_y = n_y / Σ n        C  number of classes

Each vector is a frozen dataclass whose docstring is its formula. A formula that depends on the
counts raises `DataError` where a class has no example, because its prior is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Real

from evenhand.errors import DataError

ClassCounts = Real[np.ndarray, " classes"]


@runtime_checkable
class PerClass(Protocol):
    """Function that computes one number for each class from the training counts."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]: ...


@runtime_checkable
class PerTrueClass(Protocol):
    """Function whose entry [y, c] is for logit c of an example of class y."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]: ...


def present(counts: ClassCounts) -> Float[np.ndarray, " classes"]:
    """Counts in float64. Raises `DataError` that names the classes without an example."""
    missing = np.flatnonzero(counts <= 0)
    if missing.size:
        shown = ", ".join(map(str, missing[:8])) + (", …" if missing.size > 8 else "")
        raise DataError(
            f"no training example of {missing.size} of {counts.size} classes: {shown}\n"
            "  a loss or sampler that reads the class frequencies needs one of each\n"
            "  in a suite, lower the imbalance ratio, raise n_max, or set fewer images aside for "
            "validation"
        )
    return counts.astype(np.float64)


@dataclass(frozen=True)
class Constant:
    """The same value for every class."""

    value: float
    """The value."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        return np.full(counts.shape, self.value, dtype=np.float64)


@dataclass(frozen=True)
class OneClass:
    """One value for a single class and another value for all other classes."""

    label: int
    """Index of the class."""
    value: float
    """Value of the class."""
    rest: float
    """Value of the other classes."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        if self.label >= len(counts):
            raise DataError(
                f"no class has the index {self.label}: there are {len(counts)}, counted from 0"
            )
        values = np.full(counts.shape, self.rest, dtype=np.float64)
        values[self.label] = self.value
        return values


ZERO = Constant(0.0)
ONE = Constant(1.0)


@dataclass(frozen=True)
class LogPrior:
    """Δ_c = τ · log π_c, which requires a larger margin for rare classes (menon2021long)."""

    tau: float
    """Factor τ on the log prior."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        n = present(counts)
        return np.asarray(self.tau * (np.log(n) - np.log(n.sum())))


@dataclass(frozen=True)
class CountPower:
    """β_c = (n_c / n_max)^γ, which reduces the logits of rare classes (ye2020identifying)."""

    gamma: float
    """Exponent γ."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        n = present(counts)
        return np.asarray((n / n.max()) ** self.gamma)


@dataclass(frozen=True)
class InversePrior:
    """α_c = 1 / π_c, without normalisation (kini2021label, Sec. 5.1)."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        n = present(counts)
        return np.asarray(n.sum() / n)


@dataclass(frozen=True)
class DrawPower:
    """n_c^(q − 1), under which class c is drawn with probability ∝ n_c^q (kang2020decoupling)."""

    q: float
    """Exponent q: 1 for the natural frequencies, 0 for equal ones."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        n = present(counts)
        return np.asarray(n ** (self.q - 1))


@dataclass(frozen=True)
class EffectiveNumber:
    """α_c ∝ (1 − b) / (1 − b^n_c), with Σ α = C (cui2019class)."""

    b: float
    """Base in [0, 1]. 0 gives equal weights, and 1 gives the limit, inverse frequency."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        n = present(counts)
        if self.b in (0.0, 1.0):
            return to_sum_of_classes(n**-self.b)
        # 1 − b^n cancels as b → 1. b − 1 is exact there, so that log1p and expm1 keep all digits.
        return to_sum_of_classes(-1 / np.expm1(n * np.log1p(self.b - 1)))


@dataclass(frozen=True)
class PriorPower:
    """α_c ∝ π_c^−ν, with Σ α = C (wang2023unified, Algorithm 1)."""

    nu: float
    """Exponent ν."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, " classes"]:
        exponent = -self.nu * np.log(present(counts))
        return to_sum_of_classes(np.exp(exponent - exponent.max()))


@dataclass(frozen=True)
class OwnClassMargin:
    """Δ_yc = −margin · (n_min / n_y)^¼ for c = y, else 0 (cao2019learning).

    The papers that list LDAM among the vector-scaling losses write Δ_c = −n_c^−¼ for all classes;
    LDAM shifts the true class alone.
    """

    margin: float
    """Margin of the rarest class."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]:
        n = present(counts)
        return np.diag(-self.margin * (n.min() / n) ** 0.25)


def to_sum_of_classes(weights: Float[np.ndarray, " classes"]) -> Float[np.ndarray, " classes"]:
    """Weights scaled to add up to the number of classes."""
    return np.asarray(weights * (weights.size / weights.sum()))
