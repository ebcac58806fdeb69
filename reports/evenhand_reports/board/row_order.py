"""The order of the rows over all problems, and the few rows that figures draw."""

from __future__ import annotations

import numpy as np

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.once import once
from evenhand_reports.board.results import Result

MOST_DRAWN_ROWS = 8
"""More lines in one figure cannot be told apart."""


@once
def rows_by_position(board: Leaderboard) -> tuple[str, ...]:
    """The rows by their mean position in the tables of the problems, the best first.

    Positions, not ranks: incomplete rows have a position but no rank.
    """
    positions: dict[str, list[int]] = {row: [] for row in board.rows}
    for problem in board.problems:
        for position, result in enumerate(board.on(problem)):
            positions[result.row].append(position)
    return tuple(sorted(positions, key=lambda row: float(np.mean(positions[row]))))


@once
def drawn_rows(board: Leaderboard) -> tuple[str, ...]:
    """The rows that figures draw: a baseline of one row, and the best others by mean position."""
    order = rows_by_position(board)
    baseline = [board.drawn_baseline] if board.drawn_baseline else []
    best = [row for row in order if row not in baseline][: MOST_DRAWN_ROWS - len(baseline)]
    return tuple(row for row in order if row in {*best, *baseline})


def drawn_results(board: Leaderboard, problem: str) -> list[Result]:
    """The results of the drawn rows on one problem."""
    results = [board.results.get((row, problem)) for row in drawn_rows(board)]
    return [result for result in results if result is not None]
