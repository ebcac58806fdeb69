"""The interval bars of a leaderboard: means and intervals on one axis for all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.baseline import is_baseline
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording import formatting

WIDTH = 120
"""Width of a bar, in units of its drawing."""

MARGIN = 4
"""Room for the radius of a dot at either end."""


def scale_of(board: Leaderboard, results: Sequence[Result]) -> tuple[float, float]:
    """Both ends of the axis. Extremely long intervals are cut, or they would hide the others."""
    found = [e for s in results for rule in RULES if (e := board.score(s, rule).estimate)]
    means = [e.mean for e in found] or [0.0]
    room = 2 * (max(means) - min(means) + max((e.sd or 0.0 for e in found), default=0.0)) or 0.01
    ends = [end for e in found if e.interval for end in (e.interval.low, e.interval.high)]
    low = max(min([*ends, *means]), min(means) - room)
    high = min(max([*ends, *means]), max(means) + room)
    return (low, high) if high > low else (low - 0.01, high + 0.01)


def bar(
    board: Leaderboard, result: Result, rule: Rule, scale: tuple[float, float]
) -> dict[str, Any] | None:
    """The positions of mean, interval and baseline on the axis; None without a mean."""
    found = board.score(result, rule).estimate
    if found is None:
        return None
    baseline = _baseline_mean(board, result, rule)
    return {
        "mean": _x(found.mean, scale),
        "low": _x(found.interval.low, scale) if found.interval else None,
        "high": _x(found.interval.high, scale) if found.interval else None,
        "baseline": None if baseline is None else _x(baseline.mean, scale),
        "text": formatting.interval(found.interval),
    }


def _baseline_mean(board: Leaderboard, result: Result, rule: Rule) -> Estimate | None:
    if result.to_baseline is None and not is_baseline(board.suite, result):
        return None
    row = result.to_baseline.second if result.to_baseline else result.row
    return board.score(board.compared[row, result.problem], rule).estimate


def _x(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return round(MARGIN + (WIDTH - 2 * MARGIN) * share, 1)
