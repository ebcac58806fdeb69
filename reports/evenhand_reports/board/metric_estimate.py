"""The estimate of a metric over seeds, in the unit and within the bounds that it declares."""

from __future__ import annotations

from collections.abc import Sequence

from evenhand.declared.registry import REGISTRY
from evenhand.errors import ReportError
from evenhand.metrics import bounds, unit
from evenhand.suite.figures import RATIO, RECALL
from evenhand_reports.statistics.estimate import UNBOUNDED, Estimate, estimate

TOLERANCE = 1e-9
"""A score that exceeds a bound by less than this has a rounding error and is set to the bound."""


def metric_estimate(
    metric: str, values: Sequence[float], *, alpha: float, test_ratio: float = 0.0
) -> Estimate:
    """The estimate of the named metric from its values at one or more seeds.

    Raises `ReportError` where a value lies outside the bounds that the metric declares.
    """
    inside = _within(metric, values, bounds(metric))
    limits, of = bounds(metric), unit(metric)
    return estimate(inside, alpha=alpha, test_ratio=test_ratio, unit=of, bounds=limits)


def difference_estimate(
    metric: str, values: Sequence[float], *, alpha: float, test_ratio: float = 0.0
) -> Estimate:
    """The estimate of a difference of two rows by the named metric, on its own scale."""
    return estimate(values, alpha=alpha, test_ratio=test_ratio, unit=unit(metric))


def series_estimate(
    series: str, values: Sequence[float], *, alpha: float, test_ratio: float = 0.0
) -> Estimate:
    """The estimate of a series of records at one epoch, such as `val_min_recall`.

    Its bounds are those of the metric that it names. Recalls are in [0, 1]. Other series, such as
    losses, have none. Raises `ReportError` where a value lies outside the bounds.
    """
    metric = series.partition("_")[2]
    limits = UNBOUNDED
    if metric in {entry.name for entry in REGISTRY.all("metric")}:
        limits = bounds(metric)
    elif series.startswith(RECALL) and series != f"{RECALL}{RATIO}":
        limits = 0.0, 1.0
    inside = _within(series, values, limits)
    return estimate(inside, alpha=alpha, test_ratio=test_ratio, bounds=limits)


def _within(name: str, values: Sequence[float], limits: tuple[float, float]) -> list[float]:
    """The values, without rounding errors beyond the bounds."""
    low, high = limits
    wrong = [v for v in values if not low - TOLERANCE <= v <= high + TOLERANCE]
    if wrong:
        raise ReportError(
            f"{name}: the value {wrong[0]:g} lies outside its bounds [{low:g}, {high:g}]\n"
            "  correct the metric, or the `bounds` with which it is registered"
        )
    return [min(max(value, low), high) for value in values]
