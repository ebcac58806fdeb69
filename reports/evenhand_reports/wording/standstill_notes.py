"""Notes on methods that adapted nothing, so that their rows may equal simpler ones."""

from __future__ import annotations

from collections.abc import Iterable

from evenhand.declared.course import standing
from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.wording.summary import MOST_ROWS, join_names

UNCHANGED = "the post-hoc method changes no prediction of the network"
STANDSTILL = "{rows} on {problem}{seeds}: {reason}."


def standstill_notes(board: Leaderboard, problems: Iterable[str]) -> list[str]:
    """A sentence for each reason why rows of these problems adapted nothing."""
    notes = []
    for problem in problems:
        found: dict[tuple[str, str], list[str]] = {}
        for result in board.on(problem):
            for reason, seeds in _reasons(result).items():
                rows = found.setdefault((reason, seeds), [])
                rows += [result.title] if result.title not in rows else []
        for (reason, seeds), rows in found.items():
            named = join_names(rows, most=MOST_ROWS)
            notes.append(STANDSTILL.format(rows=named, problem=problem, seeds=seeds, reason=reason))
    return notes


def _reasons(result: Result) -> dict[str, str]:
    """Each reason with the part of the seeds that have it; "" for all."""
    records = list(result.usable_records)
    n: dict[str, int] = {}
    for record in records:
        for reason in _of(record):
            n[reason] = n.get(reason, 0) + 1
    of = len(records)
    return {
        reason: "" if count == of else f" at {count} of {of} seeds" for reason, count in n.items()
    }


def _of(record: Record) -> list[str]:
    return [*standing(record.stages), *([UNCHANGED] if record.changed == 0 else [])]
