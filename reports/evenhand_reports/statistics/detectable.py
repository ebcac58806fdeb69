"""What a table can show: the smallest detectable difference, and the seeds that would decide more.

Both are power calculations for the moderated t-test with the noncentral t distribution, at the
first step of Holm's correction, which is α/m for m declared comparisons. A difference is called
detectable if it is found with a power of 80 % (cohen1988statistical).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import nctdtr, stdtrit

from evenhand_reports.statistics.moderation import Pairs
from evenhand_reports.statistics.paired_tests import SMALLEST_N
from evenhand_reports.statistics.resampling import standard_error

POWER = 0.8
MOST_SEEDS = 1000
"""More seeds are reported as "more than 1000"."""


def power(shift: float, df: float, level: float) -> float:
    """The probability that a two-sided t-test at `level` finds a difference of its own sign.

    `shift` is the true difference in standard errors.
    """
    return float(1 - nctdtr(min(df, 1e6), shift, stdtrit(min(df, 1e6), 1 - level / 2)))


def smallest_detectable(
    pairs: Pairs, declared: Sequence[tuple[int, int]], *, alpha: float, test_ratio: float = 0.0
) -> float | None:
    """The smallest difference that a typical declared comparison detects with its seeds.

    `pairs` are those for the tests of the family (`of_family`). The typical comparison has the
    median variance, the median degrees of freedom and the smallest number of seeds of those that
    can be tested. None where no comparison has a variance.
    """
    tested = [(i, j) for i, j in declared if pairs.variance[i, j] > 0]
    if not tested:
        return None
    i, j = np.array(tested).T
    shift = _shift(float(np.median(pairs.df[i, j])), alpha / len(declared))
    variance, n = float(np.median(pairs.variance[i, j])), int(pairs.n[i, j].min())
    return None if shift is None else float(standard_error(variance**0.5, n, test_ratio)) * shift


def _shift(df: float, level: float) -> float | None:
    """The true difference in standard errors that a test finds with probability `POWER`.

    None where the noncentral t distribution cannot be computed, which one degree of freedom and
    hundreds of comparisons bring about.
    """

    def missing(shift: float) -> float:
        return power(shift, df, level) - POWER

    high = 2 * float(stdtrit(min(df, 1e6), 1 - level / 2)) + 10
    if not missing(0.0) < 0 < missing(high):
        return None
    return float(brentq(missing, 0.0, high))


def seeds_needed(
    difference: float, variance: float, borrowed: float, *, comparisons: int, alpha: float
) -> int | None:
    """The number of seeds at which a true difference of this size is detectable.

    `variance` is that of the difference at one seed, `borrowed` the degrees of freedom that the
    pair borrows. `MOST_SEEDS` + 1 where more are needed; None for no difference or no variance. The
    observed difference is itself uncertain, so the number is an order of magnitude.
    """
    if not (variance > 0 and abs(difference) > 0):
        return None
    level = alpha / max(1, comparisons)
    scaled = abs(difference) / float(np.sqrt(variance))

    def is_enough(n: int) -> bool:
        return power(scaled * np.sqrt(n), borrowed + n - 1, level) >= POWER

    low, high = SMALLEST_N - 1, SMALLEST_N
    while not is_enough(high):
        low, high = high, 2 * high
        if low > MOST_SEEDS:
            return MOST_SEEDS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return min(high, MOST_SEEDS + 1)
