"""CS-SVM on two Gaussians and GS-SVM on groups of them, as n and d grow (kini2021label, Sec. 4).

The rarer label is +1, the rarer group is 1; their examples keep the margin δ, all others 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from evenhand.theory.max_margin import SMALL, Limit, Mixture, max_margin

LARGEST = 1e3
"""The greatest δ, and its inverse the least, among which δ* is searched for."""


@dataclass(frozen=True)
class LabelErrors:
    """Shares of the examples of each label that CS-SVM(δ) classifies wrongly: R_+ and R_−."""

    plus: float
    minus: float

    @property
    def balanced(self) -> float:
        return (self.plus + self.minus) / 2

    @property
    def imbalance(self) -> float:
        """R_+ − R_−."""
        return self.plus - self.minus

    def standard(self, pi: float) -> float:
        """Over all examples, of which a share of π has the label +1."""
        return pi * self.plus + (1 - pi) * self.minus


@dataclass(frozen=True)
class CostSensitive:
    """CS-SVM at every δ: min ‖w‖², ⟨w, x⟩ + b ≥ δ where y = +1 and ≤ −1 where y = −1.

    With an intercept it is solved at δ = 1 alone, by Theorem 2: the others are an affine map of
    that one (DERIVED), w_δ = (δ+1)/2 · w_1 and b_δ = (δ+1)/2 · b_1 + (δ−1)/2.

    mixture  of the labels +1 and −1, in this order
    of_svm   the limit at δ = 1; its loads are l_+ and l_−
    """

    mixture: Mixture
    gamma: float
    of_svm: Limit
    intercept: bool = True

    def limit(self, delta: float) -> Limit:
        if not self.intercept:
            found = max_margin(self.mixture, np.array([delta, 1.0]), self.gamma, intercept=False)
            assert found is not None, "what is separable at δ = 1 is so at every δ"
            return found
        stretch, one = (delta + 1) / 2, self.of_svm
        return Limit(stretch * one.q, stretch * one.b + (delta - 1) / 2, one.loads)

    def errors(self, delta: float) -> LabelErrors:
        plus, minus = self.limit(delta).errors(self.mixture).tolist()
        return LabelErrors(plus, minus)

    @property
    def best_delta(self) -> float:
        """δ*, of the least balanced error.

        With an intercept the labels are wrong equally often there: it is (1 + t)/(1 − t) with
        t = q_1 (l_− − l_+)/2 − b_1, and infinite where t ≥ 1, for then every larger δ is better
        than a smaller one. Without one it is searched for, up to LARGEST.
        """
        if not self.intercept:
            return self._searched()
        plus, minus = self.of_svm.loads
        t = self.of_svm.q * (minus - plus) / 2 - self.of_svm.b
        return float((1 + t) / (1 - t)) if t < 1 else math.inf

    @property
    def best_balanced_error(self) -> float:
        """At δ*; with an intercept Q((l_+ + l_−)/2) where δ* is finite."""
        if math.isfinite(self.best_delta):
            return self.errors(self.best_delta).balanced
        return self.errors(1 / SMALL).balanced

    def _searched(self) -> float:
        least = minimize_scalar(
            lambda log: self.errors(math.exp(log)).balanced,
            bounds=(-math.log(LARGEST), math.log(LARGEST)),
            method="bounded",
            options={"xatol": 1e-6},
        )
        return math.exp(float(least.x))


def two_labels(means: Float[np.ndarray, "2 d"], pi: float) -> Mixture:
    """x | y ~ N(μ_y, I): means are μ_+ and μ_−, a share of π has the label +1."""
    return Mixture(means, np.array([1.0, -1.0]), np.array([pi, 1 - pi]))


def cost_sensitive(
    means: Float[np.ndarray, "2 d"], pi: float, gamma: float, *, intercept: bool = True
) -> CostSensitive | None:
    """CS-SVM on two labels at γ = d/n; None where the data are not separable."""
    mixture = two_labels(means, pi)
    limit = max_margin(mixture, np.ones(2), gamma, intercept=intercept)
    return None if limit is None else CostSensitive(mixture, gamma, limit, intercept)


@dataclass(frozen=True)
class GroupErrors:
    """Shares that GS-SVM classifies wrongly: rows are the labels +1 and −1, columns groups 1, 2."""

    by_cell: Float[np.ndarray, "2 2"]

    @property
    def deo(self) -> float:
        """R(+,1) − R(+,2), signed: above 0 the rarer group is worse off."""
        return float(self.by_cell[0, 0] - self.by_cell[0, 1])

    def standard(self, p: float) -> float:
        """Over all examples: a share of p is of group 1, and labels are equally frequent."""
        return float(self.by_cell.mean(0) @ [p, 1 - p])


def groups_of_labels(means: Float[np.ndarray, "2 d"], p: float) -> Mixture:
    """x | (y, g) ~ N(y μ_g, I): means are μ_1 and μ_2; of each label a share of p is of group 1.

    Cells are (+,1), (+,2), (−,1), (−,2).
    """
    labels = np.array([1.0, 1.0, -1.0, -1.0])
    signed = labels[:, None] * means[[0, 1, 0, 1]]
    return Mixture(signed, labels, np.array([p, 1 - p, p, 1 - p]) / 2)


def group_sensitive(
    means: Float[np.ndarray, "2 d"],
    p: float,
    gamma: float,
    delta: float,
    *,
    intercept: bool = True,
) -> GroupErrors | None:
    """GS-SVM(δ): min ‖w‖², y (⟨w, x⟩ + b) ≥ δ in group 1 and ≥ 1 in group 2. DERIVED.

    None where the data are not separable at γ = d/n, whatever δ.
    """
    mixture = groups_of_labels(means, p)
    margins = np.array([delta, 1.0, delta, 1.0])
    limit = max_margin(mixture, margins, gamma, intercept=intercept)
    return None if limit is None else GroupErrors(limit.errors(mixture).reshape(2, 2))
