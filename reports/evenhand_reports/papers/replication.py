"""How many numbers of each printed table a board reproduces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.papers import published
from evenhand_reports.papers.matching import matches
from evenhand_reports.papers.published import PrintedNumber
from evenhand_reports.papers.verdicts import TESTED, Verdict, verdict


@dataclass(frozen=True)
class Cell:
    """A printed number that stands beside a row."""

    number: PrintedNumber
    row: str
    problem: str
    verdict: Verdict


@dataclass(frozen=True)
class TableReplication:
    """The verdicts on the numbers of one printed table."""

    paper: str
    """`Kini et al. 2021`."""

    table: str
    """`Table 1`."""

    cells: tuple[Cell, ...]
    """The numbers that stand beside a row."""

    printed: int
    """Numbers of the paper's own runs in the table."""

    quoted: int
    """Numbers in the table that the paper quotes from other work."""

    @cached_property
    def counts(self) -> Counter[str]:
        """Number of own numbers by kind of verdict."""
        return Counter(c.verdict.kind for c in self.cells if c.verdict.kind != "quoted")

    @property
    def absent(self) -> int:
        """Own numbers that stand beside no row of the board."""
        return self.printed - self.counts.total()

    @property
    def tested(self) -> int:
        """Own numbers with a test."""
        return sum(c.verdict.kind in TESTED and c.verdict.test is not None for c in self.cells)


def replications(board: Leaderboard) -> list[TableReplication]:
    """The printed tables of the suite's sources of which some number stands beside a row."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for metric in board.metrics:
        for number, place in matches(board, metric):
            told = verdict(board, board.results[place], number)
            found.setdefault((number.paper, number.table), []).append(Cell(number, *place, told))
    return [_replication(*table, found[table]) for table in sorted(found)]


def _replication(paper: str, table: str, cells: list[Cell]) -> TableReplication:
    numbers = [n for n in published.rows(paper=paper) if n.table == table and n.value is not None]
    return TableReplication(
        paper=paper.partition(" (")[0],
        table=table,
        cells=tuple(cells),
        printed=sum(not number.quoted_from for number in numbers),
        quoted=sum(bool(number.quoted_from) for number in numbers),
    )
