"""Paired comparisons of two rows: Student's t-test on the differences at each seed.

At one seed all methods share data and split, and under one recipe the initial weights of the
backbone, so differences are paired by seed.
P-values are Holm-corrected within the families of `ranks.py`, which hold the pairs of one problem,
since the leaderboard of one problem is one table. A claim about several problems is made only where
it holds on each of them, and needs no further correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr

from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.statistics.resampling import standard_error

SMALLEST_N = 2
"""Smallest number of seeds: a paired t-test needs the standard deviation of the differences."""

TOLERANCE = 1e-12
"""Differences below this value are rounding errors, since scores are fractions of examples."""


@dataclass(frozen=True)
class Comparison:
    """The difference first − second over the seeds that both rows have."""

    first: str
    second: str
    difference: Estimate
    p: float | None
    """Two-sided, before correction; None where no test can be made."""

    holm: float | None
    """The p-value after Holm's correction within the family of the pair."""

    caveat: str = ""
    """The reason why there is no test; "" where there is one."""


def p_values(
    differences: Float[np.ndarray, "*pairs seeds"], *, test_ratio: float = 0.0
) -> Float[np.ndarray, " *pairs"]:
    """Two-sided p-values of the paired t-test for each row of differences; NaN without a test.

    `test_ratio` is n_test / n_train for differences of resampled splits, otherwise 0.

    There is no test at n = 1. Differences that are all zero give p = 1. Differences that are all
    equal but not zero have no variance: t would be infinite and p would be zero even at n = 2,
    which two seeds cannot justify, so there is no test and the pair counts as undecided.
    """
    n = differences.shape[-1]
    if n < SMALLEST_N:
        return np.full(differences.shape[:-1], np.nan)
    mean, sd = differences.mean(-1), differences.std(-1, ddof=1)
    # Differences without variance divide by zero here; the last line replaces their p-values.
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / standard_error(sd, n, test_ratio)
    untestable = np.where(np.abs(mean) < TOLERANCE, 1.0, np.nan)
    return np.where(sd < TOLERANCE, untestable, 2 * stdtr(n - 1, -np.abs(t)))


def holm(p: Float[np.ndarray, " family"]) -> Float[np.ndarray, " family"]:
    """Holm's step-down p-values: rejecting where ≤ α holds the family-wise error at α.

    A comparison without a test (NaN) stays NaN but counts in the size of the family. Without it,
    the correction of the others would be too small.
    """
    family = p.size
    filled = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(filled, kind="stable")
    stepped = np.maximum.accumulate(filled[order] * (family - np.arange(family)))
    adjusted = np.empty(family)
    adjusted[order] = np.minimum(1.0, stepped)
    return np.where(np.isnan(p), np.nan, adjusted)


def caveat(n: int, p: float | None) -> str:
    """The reason why a comparison has no test; "" where it has one."""
    if p is not None:
        return ""
    if n < SMALLEST_N:
        return f"n = {n}: a paired t-test needs n ≥ {SMALLEST_N}"
    return "the same difference at every seed: no variance to test against"
