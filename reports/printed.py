"""Which printed number stands beside which of ours.

One of the suite's sources prints it for the same problem, method and metric, and like ours with
SAM or without: what a recipe says decides, not what a row is called. Where several of our rows
answer to one printed number, as in a sweep over settings, it stands beside none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.spec.resolve import Cell
from reports import published
from reports.leaderboard import Leaderboard
from reports.published import Printed

CAPTION = (
    "what the paper prints, with its own network, training images and length, and under its own "
    "protocol, which may choose settings or epochs on test data: best-test is nearest to it. Not "
    "tested against ours."
)


Beside = Mapping[tuple[str, str], tuple[Printed, ...]]
"""By row and problem."""


def beside(board: Leaderboard) -> Beside:
    """Printed numbers by row and problem; only rows that have some."""
    found: dict[tuple[str, str], list[Printed]] = {}
    for problem in board.problems:
        cells = {s.row: s.cell for s in board.on(problem)}
        any_cell = next(iter(cells.values()))
        if any_cell.problem.n_max is not None:
            continue  # fewer images than any paper trains on
        for number in published.on(any_cell.problem, board.suite.sources):
            rows = [row for row, cell in cells.items() if _is_of(number, cell, board.suite.primary)]
            if len(rows) == 1 and number.value is not None:
                found.setdefault((rows[0], problem), []).append(number)
    return {place: tuple(numbers) for place, numbers in found.items()}


def _is_of(number: Printed, cell: Cell, metric: str) -> bool:
    return (
        published.METHODS.get(number.method) == cell.method.name
        and published.SETTINGS.get(number.method, {}).items() <= cell.method.settings.items()
        and published.METRICS.get(number.metric, number.metric) == metric
        and (number.protocol == published.SAM) == (cell.recipe.sam is not None)
    )


def source(number: Printed) -> str:
    """`Wang et al. 2023, Table 1`: without the short name of the paper's method."""
    return f"{number.paper.partition(' (')[0]}, {number.table}"


def sources(numbers: Beside, problem: str) -> list[str]:
    """Where the numbers beside one problem's rows are printed."""
    here = [n for (_, at), found in numbers.items() if at == problem for n in found]
    return list(dict.fromkeys(map(source, here)))


def text(numbers: Sequence[Printed], paper: str) -> str:
    """`78.8 ± 0.2`: what one of these sources prints; "" where it prints nothing."""
    return "; ".join(number.printed for number in numbers if source(number) == paper)
