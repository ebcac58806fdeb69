"""Max-margin classifiers on mixtures of Gaussians, in the limit of large n and d at γ = d/n.

An example of cell s (a label, or a label and a group) has x ~ N(m_s, I_d), the label y_s = ±1 and a
margin Δ_s: min ‖w‖² subject to y_s (⟨w, x⟩ + b) ≥ Δ_s. In the limit (w, b) is described by q = ‖w‖,
b, and the loads l_s = y_s ⟨m_s, w⟩/‖w‖ of the cells.

kini2021label, Theorem 2, is the case of two cells, one for each label. With M the matrix of signed
means y_s m_s, Mᵀ M = V S² Vᵀ and L = V S [cells, r], the rows of L carry the cells, l = L ρ, and

    η(q, ρ, b) = Σ_s p_s E[(G + l_s + (b y_s − Δ_s)/q)_−²] − (1 − ‖ρ‖²) γ,   (t)_− = min(t, 0)

is 0 at its minimum over (ρ, b). For more cells this is DERIVED: y_s z is isotropic for z ~ N(0, I),
so that the argument by the convex Gaussian min-max theorem writes each constraint as
q (G + l_s) + b y_s ≥ Δ_s, for any number of cells. The tests compare it with simulated data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

SMALL = 1e-9
"""Smallest γ in the search for the threshold of separability, and smallest step."""
STEPS, LEAST_GAIN = 100, 1e-26
"""Limits of Newton's method: number of steps, and predicted decrease of the next step."""


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians with unit covariance, one for each cell."""

    means: Float[np.ndarray, "cells d"]
    """Mean of each cell, in any dimension that contains them."""
    labels: Float[np.ndarray, " cells"]
    """Label of each cell, ±1."""
    shares: Float[np.ndarray, " cells"]
    """Share of each cell; the sum is 1."""

    @property
    def carriers(self) -> Float[np.ndarray, "cells r"]:
        """L = V S, the signed means in coordinates of their span."""
        left, sizes, _ = np.linalg.svd(self.labels[:, None] * self.means, full_matrices=False)
        is_there = sizes > 1e-12 * max(sizes.max(), 1e-300)
        return np.asarray(left[:, is_there] * sizes[is_there])


@dataclass(frozen=True)
class Limit:
    """A max-margin classifier in the limit."""

    q: float
    """‖w‖."""
    b: float
    """Intercept."""
    loads: Float[np.ndarray, " cells"]
    """l_s of each cell."""

    def errors(self, mixture: Mixture) -> Float[np.ndarray, " cells"]:
        """Error of each cell, R_s = Q(l_s + y_s b/q)."""
        return np.asarray(ndtr(-(self.loads + mixture.labels * self.b / self.q)))


def half_square(a: Float[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
    """E[(G + a)_−²] = (1 + a²) Q(a) − a φ(a), accurate for large a as well."""
    tail = np.exp(log_ndtr(-a))
    return np.asarray(np.maximum((1 + a**2) * tail - a * _density(a), 0.0))


def max_margin(
    mixture: Mixture,
    margins: Float[np.ndarray, " cells"],
    gamma: float,
    *,
    intercept: bool = True,
) -> Limit | None:
    """The classifier with margins Δ_s > 0; None if the data are not separable at this γ.

    b is 0 without an intercept.
    """
    rows = _rows(mixture, intercept=intercept)
    if _smallest(mixture, rows, 0 * margins, gamma).value >= gamma:
        return None

    def excess(inverse: float) -> float:
        return _smallest(mixture, rows, inverse * margins, gamma).value - gamma

    high = 1.0
    while excess(high) <= 0:
        high *= 2
    inverse = float(brentq(excess, 0.0, high, xtol=1e-14, rtol=1e-13))
    at = _smallest(mixture, rows, inverse * margins, gamma).at
    return Limit(q=1 / inverse, b=float(at[-1]) / inverse, loads=rows[:, :-1] @ at[:-1])


def _rows(mixture: Mixture, *, intercept: bool) -> Float[np.ndarray, "cells r+1"]:
    """Coefficients of (ρ, b/q): the carriers, and the labels, which are replaced by 0 for b = 0."""
    return np.column_stack([mixture.carriers, mixture.labels * intercept])


@dataclass(frozen=True)
class _Smallest:
    """A minimum over (ρ, b/q)."""

    value: float
    """The smallest value."""
    at: Float[np.ndarray, " r+1"]
    """The (ρ, b/q) of this value."""


def _smallest(
    mixture: Mixture,
    rows: Float[np.ndarray, "cells r+1"],
    needed: Float[np.ndarray, " cells"],
    gamma: float,
) -> _Smallest:
    """Minimum over (ρ, c) of Σ_s p_s E[(G + l_s + y_s c − needed_s)_−²] + γ ‖ρ‖².

    Found by Newton's method. At c = b/q and needed = Δ/q this is η + γ. ‖ρ‖ ≤ 1 holds wherever the
    value is at most γ.
    """
    ridge = gamma * np.append(np.ones(rows.shape[1] - 1), 0.0)

    def value(at: Float[np.ndarray, " r+1"]) -> float:
        return float(mixture.shares @ half_square(rows @ at - needed) + ridge @ at**2)

    at = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        a = rows @ at - needed
        tail = ndtr(-a)
        slope = 2 * rows.T @ (mixture.shares * (a * tail - _density(a))) + 2 * ridge * at
        bend = 2 * (rows.T * (mixture.shares * tail)) @ rows + 2 * np.diag(ridge)
        step = np.linalg.lstsq(bend, -slope, rcond=None)[0]
        gain = -float(slope @ step)
        if gain < LEAST_GAIN:
            break
        size, now = 1.0, value(at)
        # Near the minimum the full step is taken, because rounding hides its decrease.
        while gain > SMALL and size > SMALL and value(at + size * step) > now - size * gain / 10:
            size /= 2
        at = at + size * step
    return _Smallest(value(at), at)


def _density(a: Float[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
    return np.asarray(np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi))
