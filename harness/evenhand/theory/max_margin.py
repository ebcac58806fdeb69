"""Max-margin classifiers on mixtures of Gaussians, where n and d grow with γ = d/n.

An example of cell s (a label, or a label and a group) has x ~ N(m_s, I_d), the label y_s = ±1, and
must keep a margin of its own: min ‖w‖² subject to y_s (⟨w, x⟩ + b) ≥ Δ_s. In the limit (w, b) is
known by three numbers: q = ‖w‖, b, and the loads l_s = y_s ⟨m_s, w⟩/‖w‖ of the cells.

kini2021label, Theorem 2, is this for two cells, one for each label. With M the matrix of signed
means y_s m_s, Mᵀ M = V S² Vᵀ and L = V S [cells, r], the rows of L carry the cells, l = L ρ, and

    η(q, ρ, b) = Σ_s p_s E[(G + l_s + (b y_s − Δ_s)/q)_−²] − (1 − ‖ρ‖²) γ,   (t)_− = min(t, 0)

is 0 at its smallest over (ρ, b). For more cells that statement is DERIVED: y_s z is isotropic for z
~ N(0, I), so that the argument by the convex Gaussian min-max theorem reads each constraint as q (G
+ l_s) + b y_s ≥ Δ_s and never counts the cells. The tests hold it against simulated data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

SMALL = 1e-9
"""The least γ at which the threshold of separability is looked for, and the least step."""
STEPS, LEAST_GAIN = 100, 1e-26
"""When Newton's method ends: by the decrease that the next step promises."""


@dataclass(frozen=True)
class Mixture:
    """Cells of a mixture: means [cells, d] of any d that holds them, labels ±1, shares Σ = 1."""

    means: Float[np.ndarray, "cells d"]
    labels: Float[np.ndarray, " cells"]
    shares: Float[np.ndarray, " cells"]

    @property
    def carriers(self) -> Float[np.ndarray, "cells r"]:
        """L = V S: the signed means in coordinates of the space that they span."""
        left, sizes, _ = np.linalg.svd(self.labels[:, None] * self.means, full_matrices=False)
        is_there = sizes > 1e-12 * max(sizes.max(), 1e-300)
        return np.asarray(left[:, is_there] * sizes[is_there])


@dataclass(frozen=True)
class Limit:
    """A max-margin classifier in the limit.

    q      ‖w‖
    b      intercept
    loads  l_s of each cell
    """

    q: float
    b: float
    loads: Float[np.ndarray, " cells"]

    def errors(self, mixture: Mixture) -> Float[np.ndarray, " cells"]:
        """R_s = Q(l_s + y_s b/q): the share of each cell that is classified wrongly."""
        return np.asarray(ndtr(-(self.loads + mixture.labels * self.b / self.q)))


def half_square(a: Float[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
    """E[(G + a)_−²] = (1 + a²) Q(a) − a φ(a), without loss of digits where it is tiny."""
    tail = np.exp(log_ndtr(-a))
    return np.asarray(np.maximum((1 + a**2) * tail - a * _density(a), 0.0))


def max_margin(
    mixture: Mixture,
    margins: Float[np.ndarray, " cells"],
    gamma: float,
    *,
    intercept: bool = True,
) -> Limit | None:
    """The classifier with margins Δ_s > 0; None where the data are not separable at this γ.

    Without an intercept b is 0.
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


def separable_from(mixture: Mixture, *, intercept: bool = True) -> float:
    """The γ = d/n beyond which two labels can be told apart by a line, almost surely."""
    rows, none = _rows(mixture, intercept=intercept), np.zeros(len(mixture.labels))

    def excess(gamma: float) -> float:
        return _smallest(mixture, rows, none, gamma).value - gamma

    # Labels that have nothing to do with x are told apart from γ = 1/2 on; others before.
    return float(brentq(excess, SMALL, 0.5 + SMALL, xtol=1e-12))


def _rows(mixture: Mixture, *, intercept: bool) -> Float[np.ndarray, "cells r+1"]:
    """What (ρ, b/q) are multiplied by: the carriers and the labels, which are 0 for b = 0."""
    return np.column_stack([mixture.carriers, mixture.labels * intercept])


@dataclass(frozen=True)
class _Smallest:
    """A minimum and where it is: (ρ, b/q)."""

    value: float
    at: Float[np.ndarray, " r+1"]


def _smallest(
    mixture: Mixture,
    rows: Float[np.ndarray, "cells r+1"],
    needed: Float[np.ndarray, " cells"],
    gamma: float,
) -> _Smallest:
    """min over (ρ, c) of Σ_s p_s E[(G + l_s + y_s c − needed_s)_−²] + γ ‖ρ‖², by Newton's method.

    It is η + γ at c = b/q and needed = Δ/q; ‖ρ‖ ≤ 1 holds by itself wherever it is at most γ.
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
        # Close to the minimum a whole step is right, and rounding hides what it gains.
        while gain > SMALL and size > SMALL and value(at + size * step) > now - size * gain / 10:
            size /= 2
        at = at + size * step
    return _Smallest(value(at), at)


def _density(a: Float[np.ndarray, " _"]) -> Float[np.ndarray, " _"]:
    return np.asarray(np.exp(-(a**2) / 2) / math.sqrt(2 * math.pi))
