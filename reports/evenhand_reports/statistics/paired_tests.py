"""Are two rows different beyond chance? Student's t-test on the differences seed by seed.

At one seed all methods share data, split and initial weights, so differences are taken pair by
pair, and Holm-corrected over the families of `ranks.py`: those of one problem, for the leaderboard
of one problem is one table. Over several problems nothing is claimed but what holds on each of
them, which needs no further correction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr

from evenhand_reports.statistics.estimate import Estimate

SMALLEST_N = 2
"""A paired t-test needs a standard deviation of the differences."""

TOLERANCE = 1e-12
"""Scores are fractions of whole examples; what differs by less is rounding."""


@dataclass(frozen=True)
class Comparison:
    """first − second over their shared seeds.

    p       two-sided, before correction; None where no test can be made
    holm    the same after Holm's correction over the family that the pair is in
    caveat  why there is no test; "" where there is one
    """

    first: str
    second: str
    difference: Estimate
    p: float | None
    holm: float | None
    caveat: str = ""


def p_values(differences: Float[np.ndarray, "*pairs seeds"]) -> Float[np.ndarray, " *pairs"]:
    """Two-sided p of the paired t-test for each row of differences; NaN where there is no test.

    There is none at n = 1. Differences that are all zero are no evidence of anything: p = 1.
    Differences that are all the same but not zero leave no variance to judge them by: t would be
    infinite and p zero at n = 2 already, a certainty that two seeds cannot give, so there is no
    test and the pair counts as undecided.
    """
    n = differences.shape[-1]
    if n < SMALLEST_N:
        return np.full(differences.shape[:-1], np.nan)
    mean, sd = differences.mean(-1), differences.std(-1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / (sd / np.sqrt(n))
    untestable = np.where(np.abs(mean) < TOLERANCE, 1.0, np.nan)
    return np.where(sd < TOLERANCE, untestable, 2 * stdtr(n - 1, -np.abs(t)))


def holm(p: Float[np.ndarray, " family"]) -> Float[np.ndarray, " family"]:
    """Holm's step-down p-values; reject where ≤ α to hold the family's error at α.

    A comparison without a test (NaN) stays NaN but counts: leaving it out would make the others
    easier to pass.
    """
    family = p.size
    filled = np.where(np.isnan(p), 1.0, p)
    order = np.argsort(filled, kind="stable")
    stepped = np.maximum.accumulate(filled[order] * (family - np.arange(family)))
    adjusted = np.empty(family)
    adjusted[order] = np.minimum(1.0, stepped)
    return np.where(np.isnan(p), np.nan, adjusted)


def caveat(n: int, p: float | None) -> str:
    """Why there is no test, for people; "" where there is one."""
    if p is not None:
        return ""
    if n < SMALLEST_N:
        return f"n = {n}: a paired t-test needs n ≥ {SMALLEST_N}"
    return "the same difference at every seed: no variance to test against"
