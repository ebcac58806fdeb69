"""Average ranks and means over problems, one row per line, for other programs.

Scores are fractions, and NLL is in nats.
"""

from __future__ import annotations

from dataclasses import dataclass

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats.long_form import csv_of
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording.across import across_rows, has_across


@dataclass(frozen=True)
class Line:
    """One row over all problems; None where it has no value."""

    suite: str
    version: int
    edition: str
    row: str
    title: str
    problems: int
    data_sets: int
    rows: int
    """Number of rows that are complete on every problem, among which ranks are counted."""

    average_rank: float | None
    rank_low: float | None
    rank_high: float | None
    metric: str
    """The primary metric of all problems; "" where they have different ones."""

    mean: float | None
    low: float | None
    high: float | None
    difference_to_baseline: float | None
    difference_low: float | None
    difference_high: float | None
    n: int | None
    level: float
    rank_over_data_sets: float | None = None
    """Average rank over data sets, as in the critical-difference diagram; None without one."""

    friedman_p: float | None = None
    """The p-value of Friedman's test over data sets, the same for all rows."""


def csv_text(board: Leaderboard) -> str:
    """Comma-separated values with one header line; "" for a suite of one problem."""
    if not has_across(board):
        return ""
    return csv_of(Line, [_line(board, each.row) for each in across_rows(board)])


def _line(board: Leaderboard, row: str) -> Line:
    found, suite = board.across, board.suite
    rank, mean = found.ranks.get(row), found.means.get(row)
    difference = found.differences.get(row)
    low, high = (rank.interval if rank else None) or (None, None)
    over_sets = dict(zip(found.rows, found.critical.ranks, strict=True)) if found.critical else {}
    return Line(
        suite=suite.suite,
        version=suite.version,
        edition=board.edition,
        row=row,
        title=board.rows[row],
        problems=len(found.problems),
        data_sets=found.n_data_sets,
        rows=len(found.rows),
        average_rank=rank.mean if rank else None,
        rank_low=low,
        rank_high=high,
        metric=found.metric,
        mean=mean.mean if mean else None,
        low=_ends(mean)[0],
        high=_ends(mean)[1],
        difference_to_baseline=difference.mean if difference else None,
        difference_low=_ends(difference)[0],
        difference_high=_ends(difference)[1],
        n=mean.n if mean else None,
        level=1 - suite.alpha,
        rank_over_data_sets=over_sets.get(row),
        friedman_p=found.critical.friedman if found.critical else None,
    )


def _ends(found: Estimate | None) -> tuple[float | None, float | None]:
    interval = found.interval if found else None
    return (interval.low, interval.high) if interval else (None, None)
