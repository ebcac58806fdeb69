"""Throughput of a store: trials that end in an hour, by the times at which their records came."""

from __future__ import annotations

from collections.abc import Iterable

WINDOW_SECONDS = 3600.0
"""Time before the latest end of which the ends count."""
LEAST_SECONDS = 30.0
"""Time over which the throughput is measured at least: records that were copied into a store, or
the first ones of several workers, come almost at once."""
HOUR = 3600.0


def trials_per_hour(ends: Iterable[float], idle: float = 0.0) -> float | None:
    """Trials per hour between the first and the last end of the latest hour; None within 30 s.

    ends: times of one clock. idle: seconds since the latest end, as far as they are known.

    >>> trials_per_hour([0.0, 60.0, 120.0])
    60.0
    >>> trials_per_hour([0.0, 60.0, 120.0], idle=120.0)
    30.0
    """
    times = sorted(ends)
    recent = [time for time in times if times[-1] - time <= WINDOW_SECONDS]
    seconds = recent[-1] - recent[0] + idle if recent else 0.0
    if len(recent) < 2 or seconds < LEAST_SECONDS:
        return None
    return (len(recent) - 1) * HOUR / seconds
