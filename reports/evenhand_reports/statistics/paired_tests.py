"""Tests of declared comparisons: moderated paired t-tests with Holm's correction.

The family of a problem holds the comparisons that its suite declares before it runs: each row with
its baseline, and the pairs under `contrasts:`. Declared comparisons that have no test yet count in
the family, so that the correction of the others does not depend on what has been run.
A claim about several problems is made only where it holds on each of them, and needs no further
correction (berger1982multiparameter, intersection-union test).

Differences that are the same at every seed have no variance. Where the table lends one, they are
tested with that; where it does not, as with two rows, the sign test is exact: under the hypothesis
that no row is better, each of n equal signs has probability 1/2, and p = 2^(1 − n).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr, stdtrit

from evenhand_reports.statistics.estimate import TOLERANCE, Estimate, Interval
from evenhand_reports.statistics.moderation import Pairs, Square, widened
from evenhand_reports.statistics.resampling import standard_error

SMALLEST_N = 2
"""Smallest number of seeds: a paired t-test needs the standard deviation of the differences."""

Test = Literal["moderated t", "paired t", "sign", "none"]


@dataclass(frozen=True)
class Comparison:
    """The difference first − second over the seeds that both rows have."""

    first: str
    second: str
    difference: Estimate
    """Its interval is that of the test, for this difference alone."""

    p: float | None
    """Two-sided, before correction; None where no test can be made."""

    adjusted: float | None
    """The p-value after the correction of its family."""

    test: Test = "none"
    caveat: str = ""
    """The reason why there is no test, or why it is a sign test; "" otherwise."""

    seeds_needed: int | None = None
    """Seeds at which a difference like this is found in 8 of 10 runs; None where it is decided, and
    where it cannot be computed."""

    is_provisional: bool = False
    """Whether trials of one of the rows, or of the family, are still to come."""

    def is_decided(self, alpha: float) -> bool:
        """Whether the difference is beyond chance after correction."""
        return self.adjusted is not None and self.adjusted <= alpha


def p_values(pairs: Pairs, *, test_ratio: float = 0.0) -> Square:
    """Two-sided p-values of all pairs; NaN without a test.

    `test_ratio` is n_test / n_train where the seeds are resampled splits, otherwise 0. Resampled
    splits are not independent, so that the sign test does not hold for them.
    """
    # Pairs without variance divide by zero here; `where` replaces their values.
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(pairs.variance) * standard_error(1.0, pairs.n, test_ratio)
        p = 2 * stdtr(pairs.df, -np.abs(pairs.difference / errors))
        sign = np.nan if test_ratio else 2.0 ** (1 - pairs.n)
        exact = np.where(np.abs(pairs.difference) < TOLERANCE, 1.0, sign)
    p = np.where(pairs.variance > 0, p, exact)
    return np.where(pairs.n < SMALLEST_N, np.nan, p)


def holm(p: Float[np.ndarray, " family"]) -> Float[np.ndarray, " family"]:
    """Holm's step-down p-values: rejecting where ≤ α holds the family-wise error at α.

    holm1979simple needs no assumption about the dependence of the tests.

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


def name_of_test(pairs: Pairs, i: int, j: int, *, test_ratio: float = 0.0) -> Test:
    """The test that a pair gets."""
    if pairs.n[i, j] < SMALLEST_N:
        return "none"
    if not pairs.variance[i, j] > 0:
        return "none" if test_ratio else "sign"
    return "moderated t" if pairs.df[i, j] > pairs.n[i, j] - 1 else "paired t"


def caveat(n: int, test: Test) -> str:
    """The reason why a comparison has no test, or only a sign test; "" where it has a t-test."""
    if test == "none" and n >= SMALLEST_N:
        return "the same difference in every fold: folds are not independent"
    if test == "none":
        return f"n = {n}: a paired test needs n ≥ {SMALLEST_N}"
    return "the same difference at every seed: exact sign test" if test == "sign" else ""


def difference(
    pairs: Pairs, i: int, j: int, *, alpha: float, test_ratio: float = 0.0, unit: str = "%"
) -> Estimate:
    """The difference of rows i and j, with the interval that belongs to their test.

    The sign test rejects no difference at all where 2^(1 − n) > α, so that there is no interval.
    """
    n, mean = int(pairs.n[i, j]), float(pairs.difference[i, j])
    if n < SMALLEST_N:
        return Estimate(mean, None, None, n, test_ratio > 0, unit)
    if not pairs.variance[i, j] > 0 and 2.0 ** (1 - n) > alpha:
        return Estimate(mean, 0.0, None, n, test_ratio > 0, unit)
    error = standard_error(float(np.sqrt(pairs.variance[i, j])), n, test_ratio)
    half = float(stdtrit(pairs.df[i, j], 1 - alpha / 2)) * error
    interval = Interval(float(mean - half), float(mean + half), unit)
    return Estimate(mean, float(np.sqrt(pairs.own[i, j])), interval, n, test_ratio > 0, unit)


def of_family(pairs: Pairs, declared: Sequence[tuple[int, int]]) -> Pairs:
    """The pairs for the tests of a family: rows in several comparisons are widened."""
    counts = np.bincount(np.array(declared, dtype=int).ravel(), minlength=len(pairs.n))
    factor = np.where(counts > 1, pairs.wider, 1.0)
    return widened(pairs, np.maximum(factor[:, None], factor[None]))


def declared_p_values(
    p: Square, declared: Sequence[tuple[int, int]]
) -> Float[np.ndarray, " family"]:
    """Holm's p-values of the declared pairs of one problem, in their order.

    `p` are the p-values of the pairs for the tests of the family (`of_family`).
    """
    return holm(np.array([p[i, j] for i, j in declared], dtype=np.float64))
