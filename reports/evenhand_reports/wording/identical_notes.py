"""Notes on rows that are the same training on purpose, with the reason that the suite gives."""

from __future__ import annotations

from collections.abc import Sequence

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.wording.summary import MOST_ROWS, join_names

IDENTICAL = "{rows} are the same training on {problems}: {reason}."


def identical_notes(board: Leaderboard, problems: Sequence[str]) -> list[str]:
    """A sentence for each set of identical rows on these problems."""
    notes = []
    for found in board.identical:
        shared = [problem for problem in problems if problem in found.problems]
        rows = join_names([board.rows[row] for row in found.rows], most=MOST_ROWS)
        on = join_names(shared, most=len(shared))
        if shared:
            notes.append(IDENTICAL.format(rows=rows, problems=on, reason=found.reason))
    return notes
