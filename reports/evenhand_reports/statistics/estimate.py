"""Estimates over seeds: mean, sample standard deviation and Student's t interval.

The percentile bootstrap is not offered, because at five seeds its coverage is far below its level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evenhand_reports.statistics.resampling import standard_error


@dataclass(frozen=True)
class Interval:
    """Both ends of a Student-t interval, in the units of the values; not clipped to [0, 1]."""

    low: float
    high: float
    unit: str = "%"
    """Unit in which reports show it: "%" for fractions, "nats", or "1"."""


@dataclass(frozen=True)
class Estimate:
    """A mean over n values."""

    mean: float
    sd: float | None
    """The sample standard deviation; None for n = 1, never zero."""

    interval: Interval | None
    """Student-t interval of the mean; None for n = 1."""

    n: int
    is_resampled: bool = False
    """Whether the interval is corrected for values of resampled splits, nadeau2003inference."""

    unit: str = "%"
    """Unit in which reports show it: "%" for fractions, "nats", or "1"."""


def estimate(
    values: Sequence[float], *, alpha: float = 0.05, test_ratio: float = 0.0, unit: str = "%"
) -> Estimate:
    """The estimate mean ± t(1 − α/2, n − 1) · standard error, from one or more finite values.

    `test_ratio` is n_test / n_train for values of resampled splits, otherwise 0.
    """
    array = np.asarray(values, dtype=np.float64)
    assert array.size, "an estimate needs values"
    assert np.isfinite(array).all(), "an estimate needs finite values"
    n, mean = int(array.size), float(array.mean())
    if n == 1:
        return Estimate(mean, None, None, 1, test_ratio > 0, unit)
    sd = float(array.std(ddof=1))
    half = float(stdtrit(n - 1, 1 - alpha / 2)) * standard_error(sd, n, test_ratio)
    return Estimate(mean, sd, Interval(mean - half, mean + half, unit), n, test_ratio > 0, unit)
