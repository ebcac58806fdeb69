"""The leaderboard in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Gap, Result
from evenhand_reports.figures.front_tables import front_rows, front_title
from evenhand_reports.figures.fronts import FrontSet, all_front_sets
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.summary import answer, choices, gap_cause, gap_location

MOST_GAPS = 8
NAME_WIDTH = 20
"""Columns of the terminal into which a longer name is folded, at least."""

MOST_HEADER = 18
"""Columns of the header of a column; a longer name of the baseline stands above the table."""

PADDING = 2
INTERVAL = "interval"


def render(board: Leaderboard) -> RenderableType:
    """The question, the answer, a table for each problem, the gaps and the footnotes."""
    suite = board.suite
    parts: list[RenderableType] = [
        Text(f"{suite.suite} v{suite.version}", style="bold"),
        Text(suite.question),
        Text(),
        Text(answer(board)),
    ]
    for problem in board.problems:
        parts += [Text(), _heading(board, problem), _Table(board, board.on(problem))]
        parts += [_indented(Text(text)) for text in choices(board, problem)]
    for fronts in all_front_sets(board, board.rule):
        parts += [Text(), _front_heading(fronts), _front_table(fronts)]
    if len(board.problems) > 1 and any(board.average_ranks.values()):
        parts += [Text(), Text("average rank over problems", style="bold"), _averages(board)]
    parts += _gaps(board.gaps)
    parts += [Text(f"unreadable record {f.path}: {f.reason}") for f in board.faults[:MOST_GAPS]]
    parts += [Text(), *[Text(note, style="dim") for note in footnotes(board)]]
    return Group(*parts)


def _heading(board: Leaderboard, problem: str) -> Text:
    title = board.metrics[board.suite.primary].lower()
    is_named = board.baseline in _difference_name(board)
    named = "" if is_named else f"; the baseline is {board.baseline}"
    return Text.assemble(
        (problem, "bold"), (f"  {title} in percent, {board.direction} is better{named}", "dim")
    )


@dataclass(frozen=True)
class _Table:
    """The table of a problem: without intervals where names are long, as a list where it is narrow.

    Names are text and never markup, and none is folded into less than `NAME_WIDTH` columns.
    """

    board: Leaderboard
    results: Sequence[Result]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = _columns(self.board, self.results)
        titles = [result.title for result in self.results]
        longest = max(map(cell_len, titles), default=0)
        words = max((cell_len(word) for title in titles for word in title.split()), default=0)
        for kept, needed in (
            (columns, max(words, longest // 2)),
            ([c for c in columns if c.name != INTERVAL], min(longest, NAME_WIDTH)),
        ):
            room = options.max_width - sum(column.width + PADDING for column in kept)
            if room >= max(needed, len("method")):
                yield self._grid(kept)
                return
        yield from _listed(self.results, columns)

    def _grid(self, columns: Sequence[_Column]) -> Table:
        grid, names = _grid(), [Text(result.title, overflow="fold") for result in self.results]
        rank, *others = columns
        grid.add_column(Text(rank.name), justify="right", no_wrap=True)
        grid.add_column("method", overflow="fold", ratio=1)
        for column in others:
            grid.add_column(Text(column.name), justify="right", no_wrap=True)
        for i, result in enumerate(self.results):
            cells = [Text(column.cells[i]) for column in others]
            style = "bold" if result.is_bold else ""
            grid.add_row(Text(rank.cells[i]), names[i], *cells, style=style)
        return grid


class _Column(NamedTuple):
    """A column of numbers."""

    name: str
    cells: list[str]

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return max(map(cell_len, (self.name, *self.cells)))


def _columns(board: Leaderboard, results: Sequence[Result]) -> list[_Column]:
    place = board.suite.primary, board.rule
    scores = [result.scores[place] for result in results]
    marks = [formatting.mark(board, result) for result in results]
    # Numbers stay below each other where some of them have a mark.
    room = max(1, *map(len, marks))
    compared = [result.to_baseline for result in results]
    return [
        _Column("rank", [formatting.rank(result) for result in results]),
        _Column(
            "mean ± sd",
            [formatting.score_text(s) + m.ljust(room) for s, m in zip(scores, marks, strict=True)],
        ),
        _Column(
            INTERVAL,
            [
                formatting.interval(s.estimate.interval) if s.estimate else formatting.NO_VALUE
                for s in scores
            ],
        ),
        _Column(_difference_name(board), [formatting.difference(each) for each in compared]),
        _Column("p", [formatting.p_value(each.holm if each else None) for each in compared]),
        _Column("n", [formatting.n(board, result) for result in results]),
    ]


def _difference_name(board: Leaderboard) -> str:
    name = f"Δ to {board.baseline}"
    return name if cell_len(name) <= MOST_HEADER else "Δ to baseline"


def _listed(results: Sequence[Result], columns: Sequence[_Column]) -> Iterable[RenderableType]:
    """Each row as its name and, below it, its numbers with their names."""
    for i, result in enumerate(results):
        yield Text(result.title, style="bold" if result.is_bold else "", overflow="fold")
        numbers = (f"{column.name} {column.cells[i].strip()}" for column in columns)
        yield _indented(Text(", ".join(numbers)))


def _front_heading(fronts: FrontSet) -> Text:
    return Text.assemble((fronts.scope, "bold"), (f"  {front_title(fronts)}", "dim"))


def _front_table(fronts: FrontSet) -> RenderableType:
    grid = _grid()
    grid.add_column("method", overflow="fold", ratio=1)
    grid.add_column("on its front", overflow="fold")
    grid.add_column("on joint front", justify="right", no_wrap=True)
    grid.add_column("hypervolume", justify="right", no_wrap=True)
    grid.add_column("n", justify="right", no_wrap=True)
    for name, (_, best, joint, area, _, n) in front_rows(fronts):
        grid.add_row(*map(Text, (name, best, joint, area, n)))
    return grid


def _averages(board: Leaderboard) -> RenderableType:
    grid = _grid()
    grid.add_column("average", justify="right")
    grid.add_column("method", overflow="fold", ratio=1)
    averages = board.average_ranks
    for row in sorted(averages, key=lambda r: (averages[r] is None, averages[r] or 0)):
        mean = averages[row]
        text = formatting.NO_VALUE if mean is None else f"{mean:.2f}"
        grid.add_row(text, Text(board.rows[row]))
    return grid


def _grid() -> Table:
    return Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim", expand=True
    )


def _gaps(gaps: Sequence[Gap]) -> list[RenderableType]:
    if not gaps:
        return []
    parts: list[RenderableType] = [Text(), Text("not usable", style="bold")]
    parts += [_indented(Text(f"{gap_location(gap)}: {gap_cause(gap)}")) for gap in gaps[:MOST_GAPS]]
    if len(gaps) > MOST_GAPS:
        parts.append(_indented(Text(f"and {len(gaps) - MOST_GAPS} more", style="dim")))
    return parts


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 2), expand=False)
