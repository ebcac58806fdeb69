"""CS-SVM on two Gaussians and GS-SVM on groups of them, as n and d grow (kini2021label, Sec. 4).

The rarer label is +1 and the rarer group is 1. Their examples have the margin δ, all others 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize_scalar

from evenhand.theory.max_margin import Limit, Mixture, max_margin

LARGEST = 1e3
"""Largest δ in the search for δ*; the smallest is its inverse."""


@dataclass(frozen=True)
class LabelErrors:
    """Error of CS-SVM(δ) on each label: R_+ and R_−."""

    plus: float
    """R_+, the error on the rarer label."""
    minus: float
    """R_−, the error on the other label."""

    @property
    def balanced(self) -> float:
        """Balanced error, (R_+ + R_−)/2."""
        return (self.plus + self.minus) / 2

    @property
    def imbalance(self) -> float:
        """Error imbalance, R_+ − R_−."""
        return self.plus - self.minus

    def standard(self, pi: float) -> float:
        """Standard error, where a share π of the examples has the label +1."""
        return pi * self.plus + (1 - pi) * self.minus


@dataclass(frozen=True)
class CostSensitive:
    """CS-SVM at every δ: min ‖w‖², ⟨w, x⟩ + b ≥ δ where y = +1 and ≤ −1 where y = −1.

    With an intercept only δ = 1 is solved, by Theorem 2. The other solutions are an affine map of
    it (DERIVED): w_δ = (δ+1)/2 · w_1 and b_δ = (δ+1)/2 · b_1 + (δ−1)/2.
    """

    mixture: Mixture
    """Mixture of the labels +1 and −1, in this order."""
    gamma: float
    """γ = d/n."""
    of_svm: Limit
    """The limit at δ = 1, with the loads l_+ and l_−."""
    intercept: bool = True
    """Whether b is free."""

    def limit(self, delta: float) -> Limit:
        """The classifier at δ, in the limit."""
        if not self.intercept:
            found = max_margin(self.mixture, np.array([delta, 1.0]), self.gamma, intercept=False)
            assert found is not None, "what is separable at δ = 1 is so at every δ"
            return found
        stretch, one = (delta + 1) / 2, self.of_svm
        return Limit(stretch * one.q, stretch * one.b + (delta - 1) / 2, one.loads)

    def errors(self, delta: float) -> LabelErrors:
        """Errors of both labels at δ."""
        plus, minus = self.limit(delta).errors(self.mixture).tolist()
        return LabelErrors(plus, minus)

    @property
    def best_delta(self) -> float:
        """δ*, the δ with the smallest balanced error.

        With an intercept both labels have the same error there: δ* = (1 + t)/(1 − t) with
        t = q_1 (l_− − l_+)/2 − b_1. It is infinite if t ≥ 1, where the balanced error falls with δ.
        Without an intercept it is found by search, up to LARGEST.
        """
        if not self.intercept:
            return self._searched()
        plus, minus = self.of_svm.loads
        t = self.of_svm.q * (minus - plus) / 2 - self.of_svm.b
        return float((1 + t) / (1 - t)) if t < 1 else math.inf

    def _searched(self) -> float:
        least = minimize_scalar(
            lambda log: self.errors(math.exp(log)).balanced,
            bounds=(-math.log(LARGEST), math.log(LARGEST)),
            method="bounded",
            options={"xatol": 1e-6},
        )
        return math.exp(float(least.x))


def two_labels(means: Float[np.ndarray, "2 d"], pi: float) -> Mixture:
    """Mixture x | y ~ N(μ_y, I) with means μ_+ and μ_−, where a share π has the label +1."""
    return Mixture(means, np.array([1.0, -1.0]), np.array([pi, 1 - pi]))


def cost_sensitive(
    means: Float[np.ndarray, "2 d"], pi: float, gamma: float, *, intercept: bool = True
) -> CostSensitive | None:
    """CS-SVM on two labels at γ = d/n; None if the data are not separable."""
    mixture = two_labels(means, pi)
    limit = max_margin(mixture, np.ones(2), gamma, intercept=intercept)
    return None if limit is None else CostSensitive(mixture, gamma, limit, intercept)


@dataclass(frozen=True)
class GroupErrors:
    """Errors of GS-SVM by label and group."""

    by_cell: Float[np.ndarray, "2 2"]
    """Errors; rows are the labels +1 and −1, columns the groups 1 and 2."""

    @property
    def deo(self) -> float:
        """Signed DEO, R(+,1) − R(+,2); positive if the rarer group has the larger error."""
        return float(self.by_cell[0, 0] - self.by_cell[0, 1])

    def standard(self, p: float) -> float:
        """Standard error, where a share p is of group 1 and both labels are equally frequent."""
        return float(self.by_cell.mean(0) @ [p, 1 - p])


def groups_of_labels(means: Float[np.ndarray, "2 d"], p: float) -> Mixture:
    """Mixture x | (y, g) ~ N(y μ_g, I) with means μ_1 and μ_2; a share p is of group 1.

    The order of the cells is (+,1), (+,2), (−,1), (−,2).
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
    """Errors of GS-SVM(δ): min ‖w‖², y (⟨w, x⟩ + b) ≥ δ in group 1 and ≥ 1 in group 2. DERIVED.

    None if the data are not separable at γ = d/n, which does not depend on δ.
    """
    mixture = groups_of_labels(means, p)
    margins = np.array([delta, 1.0, delta, 1.0])
    limit = max_margin(mixture, margins, gamma, intercept=intercept)
    return None if limit is None else GroupErrors(limit.errors(mixture).reshape(2, 2))
