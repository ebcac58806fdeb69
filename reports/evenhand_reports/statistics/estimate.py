"""Estimates over seeds: mean, sample standard deviation and Student's t interval.

    g(m) ± t(1 − α/2, n − 1) · g′(m) · s/√n      and back by g⁻¹

The interval is symmetric on the scale g, on which it cannot leave the bounds that the metric
declares. By the delta method (oehlert1992note) the standard error on this scale is g′(m) · s/√n.

    bounds [l, u]   g(m) = log((m − l)/(u − m))   logit, for accuracies, errors, rates
    bounds [l, ∞)   g(m) = log(m − l)             log, for NLL
    no bounds       g(m) = m                      for differences of two scores

The logit of the mean is taken, and not the mean of logits: a seed may have the score 0 or 1, and
the mean of logits estimates another quantity. The percentile bootstrap is not offered, because at
five seeds its coverage is far below its level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from evenhand_reports.statistics.resampling import standard_error

UNBOUNDED = (-math.inf, math.inf)

LARGEST_STEP = 700.0
"""Largest step on the log scale, whose exponential is finite in float64."""


TOLERANCE = 1e-12
"""Scores that differ by less are equal up to rounding, since they are fractions of examples."""


@dataclass(frozen=True)
class Interval:
    """Both ends of a Student-t interval, in the units of the values and within their bounds."""

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

    scale: str = "identity"
    """The scale on which the interval is symmetric: `identity`, `logit` or `log`."""


def estimate(
    values: Sequence[float],
    *,
    alpha: float = 0.05,
    test_ratio: float = 0.0,
    unit: str = "%",
    bounds: tuple[float, float] = UNBOUNDED,
) -> Estimate:
    """The mean of one or more finite values, with its interval at the level 1 − α.

    test_ratio  n_test / n_train for values of resampled splits, otherwise 0
    bounds      smallest and largest possible value, infinite where there is none

    Where all values are equal, the interval is this value: their variance is estimated as zero.
    """
    array = np.asarray(values, dtype=np.float64)
    assert array.size, "an estimate needs values"
    assert np.isfinite(array).all(), "an estimate needs finite values"
    low, high = bounds
    assert low <= array.min() <= array.max() <= high, "an estimate needs values within the bounds"
    n, mean, scale = int(array.size), float(array.mean()), _scale(bounds)
    if n == 1:
        return Estimate(mean, None, None, 1, test_ratio > 0, unit, scale)
    # The mean of equal scores is rounded, which would leave a deviation of 1e-17 or so.
    sd = 0.0 if np.ptp(array) < TOLERANCE else float(array.std(ddof=1))
    half = float(stdtrit(n - 1, 1 - alpha / 2)) * standard_error(sd, n, test_ratio)
    ends = interval_within(mean, half, bounds)
    return Estimate(mean, sd, Interval(*ends, unit), n, test_ratio > 0, unit, scale)


def interval_within(mean: float, half: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """Both ends of the interval whose half width on the identity scale is `half`.

    A mean on a bound has equal values, up to rounding, and the interval is the mean.

    >>> [round(end, 3) for end in interval_within(0.95, 0.10, (0.0, 1.0))]
    [0.698, 0.994]
    >>> interval_within(0.5, 0.25, UNBOUNDED)
    (0.25, 0.75)
    """
    low, high = bounds
    if half == 0 or not low < mean < high:
        return mean, mean
    below, above = mean - low, high - mean
    step = half * (1 / below + 1 / above)
    grown = math.exp(min(step, LARGEST_STEP))
    if math.isfinite(low) and math.isfinite(high):
        # Odds are divided and multiplied by e^step; the width keeps the ends inside the bounds.
        width = high - low
        return (
            low + width * below / (below + above * grown),
            high - width * above / (above + below * grown),
        )
    if math.isfinite(low):
        return low + below / grown, low + below * grown
    if math.isfinite(high):
        return high - above * grown, high - above / grown
    return mean - half, mean + half


def _scale(bounds: tuple[float, float]) -> str:
    """`logit` for two bounds, `log` for one, `identity` for none."""
    return {0: "identity", 1: "log", 2: "logit"}[sum(map(math.isfinite, bounds))]
