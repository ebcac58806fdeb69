"""The small interval bars of a leaderboard: means and intervals on an axis that all rows share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.baseline import is_baseline
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording import formatting

WIDTH = 120
"""Of a bar, in the units of its drawing; a dot at either end has room for its radius."""

MARGIN = 4


def scale_of(board: Leaderboard, standings: Sequence[Standing]) -> tuple[float, float]:
    """Both ends of the interval bars' axis: all intervals, but for absurdly long ones."""
    primary = board.suite.primary
    found = [e for s in standings for rule in RULES if (e := s.scores[primary, rule].estimate)]
    means = [e.mean for e in found] or [0.0]
    room = 2 * (max(means) - min(means) + max((e.sd or 0.0 for e in found), default=0.0)) or 0.01
    ends = [end for e in found if e.interval for end in (e.interval.low, e.interval.high)]
    low = max(min([*ends, *means]), min(means) - room)
    high = min(max([*ends, *means]), max(means) + room)
    return (low, high) if high > low else (low - 0.01, high + 0.01)


def bar(
    board: Leaderboard, standing: Standing, rule: Rule, scale: tuple[float, float]
) -> dict[str, Any] | None:
    found = standing.scores[board.suite.primary, rule].estimate
    if found is None:
        return None
    against = _baseline_mean(board, standing, rule)
    return {
        "mean": _x(found.mean, scale),
        "low": _x(found.interval.low, scale) if found.interval else None,
        "high": _x(found.interval.high, scale) if found.interval else None,
        "baseline": None if against is None else _x(against.mean, scale),
        "text": formatting.interval(found.interval),
    }


def _baseline_mean(board: Leaderboard, standing: Standing, rule: Rule) -> Estimate | None:
    if standing.to_baseline is None and not is_baseline(board.suite, standing):
        return None
    row = standing.to_baseline.second if standing.to_baseline else standing.row
    return board.standings[row, standing.problem].scores[board.suite.primary, rule].estimate


def _x(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return round(MARGIN + (WIDTH - 2 * MARGIN) * share, 1)
