"""The counts of verdicts for each printed table, one line for each, for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.formats.long_form import csv_of
from evenhand_reports.papers.replication import replications


@dataclass(frozen=True)
class TableLine:
    """The verdicts on the numbers of one printed table."""

    suite: str
    version: int
    edition: str
    paper: str
    table: str
    margin: float
    """Largest difference of a reproduced number, as a fraction."""

    alpha: float
    printed: int
    """Numbers of the paper's own runs; the counts from `reproduced` to `absent` add up to it."""

    reproduced: int
    higher: int
    lower: int
    undecided: int
    not_comparable: int
    incomplete: int
    not_tested: int
    absent: int
    """Numbers that stand beside no row of the report."""

    quoted: int
    """Further numbers, which the paper quotes from other work."""

    tested: int
    chance: float
    """Numbers that would be called higher or lower by chance if all were exactly reproducible."""


def lines(board: Leaderboard) -> Iterator[TableLine]:
    """A line for each printed table of which some number stands beside a row."""
    suite = board.suite
    for found in replications(board):
        counts = found.counts
        yield TableLine(
            suite=suite.suite,
            version=suite.version,
            edition=board.edition,
            paper=found.paper,
            table=found.table,
            margin=suite.margin,
            alpha=suite.alpha,
            printed=found.printed,
            reproduced=counts["reproduced"],
            higher=counts["higher"],
            lower=counts["lower"],
            undecided=counts["undecided"],
            not_comparable=counts["not comparable"],
            incomplete=counts["incomplete"],
            not_tested=counts["not tested"],
            absent=found.absent,
            quoted=found.quoted,
            tested=found.tested,
            chance=round(suite.alpha * found.tested, 6),
        )


def csv_text(board: Leaderboard) -> str:
    """The lines as comma-separated values; "" where no row has a printed number."""
    found = list(lines(board))
    return csv_of(TableLine, found) if found else ""
