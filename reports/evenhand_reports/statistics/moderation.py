"""Variances of the differences between rows, moderated over all pairs of a table.

At one seed all rows share data and split, so rows are compared by their differences at each seed.
From three to five seeds the variance of one pair's differences is known badly: at n = 3 its
estimate is below a twentieth of the truth in 5 % of pairs. The other pairs of the same table are
informative about it, since rows that are trained alike scatter alike. Following smyth2004linear,
the sample variance s² of each pair is moved towards the typical variance s₀² of all pairs:

    s̃² = (d s₀² + (n − 1) s²) / (d + n − 1)        t = mean / (s̃ √(1/n)), d + n − 1 df

d and s₀² follow from the mean and the variance of log s² over the pairs. The pairs of k rows are
not independent: together they have (k − 1)(n − 1) degrees of freedom, so d is at most
(k − 2)(n − 1).

A row that scatters far more than the others would be tested against too small a variance. The
variance of row i relative to the typical row is estimated as 2 rᵢ − 1, where rᵢ is the geometric
mean of s²/s₀² over the pairs of the row, and its p-value qᵢ is the upper tail of F(n − 1, d). A
pair borrows d · min(1, k qᵢ, k qⱼ) degrees of freedom, and therefore none where one of its rows is
clearly atypical: the test is then the paired t-test. phipson2016robust treat single variances in
this way; here whole rows are treated, because all pairs of a row share its scatter. In a table of
equal rows the threshold 1/k is undercut by one row on average.

A row that takes part in several comparisons, as a baseline does, is a smaller risk by its scatter
than by its effect: all of its comparisons err together. Where the pairs of such a row have a larger
typical variance than those of the median row, by a factor wᵢ, they borrow wᵢ s₀² (`widened`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import digamma, fdtrc, polygamma

from evenhand_reports.statistics.estimate import TOLERANCE

FEWEST_ROWS = 3
"""Two rows are one pair, which has no other to borrow from."""

Square = Float[np.ndarray, "rows rows"]


@dataclass(frozen=True)
class Prior:
    """The variance of a typical pair of a table."""

    variance: float
    """s₀²: the variance of the difference of two typical rows at one seed."""

    df: float
    """d: the degrees of freedom that a pair borrows; infinite where all pairs seem to be alike."""


@dataclass(frozen=True)
class Pairs:
    """All pairs of rows: entry [i, j] is row i − row j at the seeds that both have."""

    difference: Square
    """Mean over the seeds; NaN without one."""

    n: Int[np.ndarray, "rows rows"]
    """Number of seeds that both rows have."""

    own: Square
    """The sample variance s² of the differences; NaN for n < 2."""

    variance: Square
    """The moderated variance s̃²; NaN for n < 2, and 0 for equal differences without a prior."""

    df: Square
    """Degrees of freedom of `variance`; 0 for n < 2."""

    prior: Prior | None
    """None for fewer than three rows, and where no pair has a variance."""

    wider: Float[np.ndarray, " rows"]
    """wᵢ ≥ 1: the typical variance of the pairs of a row over that of the median row."""

    scatter: Float[np.ndarray, " rows"]
    """The deviation of a row over that of the median row; 1 without a prior."""

    atypical: Float[np.ndarray, " rows"]
    """qᵢ: the p-value for a row that scatters as the others do; 1 without a prior."""


def moderated_pairs(table: Float[np.ndarray, "rows seeds"]) -> Pairs:
    """Compare all pairs of rows; NaN marks a seed that a row does not have."""
    rows = len(table)
    gaps = table[:, None] - table[None]
    known = np.isfinite(gaps)
    n = known.sum(2)
    # Pairs without seeds divide by zero here; `where` replaces their values.
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = np.where(known, gaps, 0).sum(2) / n
        squares = np.where(known, (gaps - difference[..., None]) ** 2, 0).sum(2)
        own = np.where(n > 1, squares / (n - 1), np.nan)
    # Scores may be on any scale; those of a fraction are at most 1.
    largest = max(1.0, float(np.abs(table).max(initial=0, where=np.isfinite(table))))
    own[own < (TOLERANCE * largest) ** 2] = 0
    df = np.maximum(n - 1.0, 0)
    prior, atypical, wider, scatter = _prior(own, df), *np.ones((3, rows))
    borrowed = np.zeros_like(own)
    if prior:
        typical, has_pairs = _typical(own), (own > 0).any(1)
        ratio = np.where(has_pairs, typical / np.median(typical[has_pairs]), 1.0)
        wider, scatter = np.maximum(ratio, 1), np.sqrt(np.maximum(2 * ratio - 1, 0))
        relative = np.maximum(2 * typical / prior.variance - 1, 0)
        q = fdtrc(np.maximum(df.max(1), 1), min(prior.df, 1e9), relative)
        atypical = np.where(has_pairs, q, 1.0)
        weight = np.minimum(1, rows * atypical)
        pairwise = np.minimum(weight[:, None], weight[None])
        # Equal differences have no scatter against which borrowing would have to be limited.
        borrowed = np.where(own > 0, pairwise, 1.0) * np.minimum(prior.df, (rows - 2) * df)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (borrowed * (prior.variance if prior else 0) + df * own) / (borrowed + df)
    return Pairs(difference, n, own, pooled, borrowed + df, prior, wider, scatter, atypical)


def _prior(own: Square, df: Square) -> Prior | None:
    """s₀² and d by the moments of log s²; None where there is nothing to estimate them from."""
    upper = np.triu(own > 0, 1)
    s2, half = own[upper], df[upper] / 2
    if len(own) < FEWEST_ROWS or s2.size < FEWEST_ROWS:
        return None
    centred = np.log(s2) - digamma(half) + np.log(half)
    excess = float(centred.var(ddof=1) - polygamma(1, half).mean())
    if excess <= 0:
        return Prior(float(np.exp(centred.mean())), np.inf)
    d = 2 * inverse_trigamma(excess)
    return Prior(float(np.exp(centred.mean() + digamma(d / 2) - np.log(d / 2))), d)


def _typical(own: Square) -> Float[np.ndarray, " rows"]:
    """The geometric mean of the variances of each row's pairs; 1 for a row without one."""
    known = own > 0
    logs = np.log(np.where(known, own, 1)) * known
    return np.asarray(np.exp(logs.sum(1) / np.maximum(known.sum(1), 1)))


def widened(pairs: Pairs, factor: Square) -> Pairs:
    """The pairs where each borrows `factor` times the typical variance."""
    if pairs.prior is None:
        return pairs
    borrowed = pairs.df - np.maximum(pairs.n - 1, 0)
    # Pairs without seeds have no degrees of freedom.
    more = borrowed * pairs.prior.variance * (factor - 1) / np.maximum(pairs.df, 1)
    return replace(pairs, variance=pairs.variance + more)


def inverse_trigamma(value: float) -> float:
    """The x > 0 with trigamma(x) = `value`, by Newton's method on 1/trigamma (smyth2004linear)."""
    assert value > 0, "trigamma is positive"
    x = 0.5 + 1 / value
    for _ in range(50):
        found = float(polygamma(1, x))
        step = found * (1 - found / value) / float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return x


def borrows_less(pairs: Pairs) -> Bool[np.ndarray, " rows"]:
    """Whether a row scatters so much that its pairs borrow fewer degrees of freedom."""
    return np.asarray(len(pairs.atypical) * pairs.atypical < 1)


def scatters_alike(pairs: Pairs, alpha: float) -> Bool[np.ndarray, " rows"]:
    """Whether each row's scatter is compatible with that of the others, at α over all rows."""
    return np.asarray(pairs.atypical * len(pairs.atypical) > alpha)
