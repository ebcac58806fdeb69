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

from evenhand.metrics import better
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Gap, Result
from evenhand_reports.figures.front_tables import front_rows, front_title
from evenhand_reports.figures.fronts import FrontSet, all_front_sets
from evenhand_reports.formats.visible import Visible
from evenhand_reports.wording import formatting
from evenhand_reports.wording.across import across_heads, across_notes, across_rows, has_across
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.printed_notes import replication_sentences
from evenhand_reports.wording.summary import choices, gap_cause, gap_location
from evenhand_reports.wording.verdicts import verdict_lines

MOST_GAPS = 8
MOST_UNDECIDED = 4
"""Undecided comparisons of a problem that are listed before they are only counted."""
NAME_WIDTH = 20
"""Columns of the terminal into which a longer name is folded, at least."""

MOST_HEADER = 18
"""Columns of the header of a column; a longer name of the baseline stands above the table."""

INTERVAL = "interval"
UNLIMITED = 10_000
"""Columns of a terminal in which every table is as wide as its contents."""


def render(board: Leaderboard) -> RenderableType:
    """The question, the answer, a table for each problem, the gaps and the footnotes."""
    suite = board.suite
    parts: list[RenderableType] = [
        Text(f"{suite.suite} v{suite.version}", style="bold"),
        Text(suite.question),
        Text(),
        Text(formatting.unbroken(answer(board))),
    ]
    for problem in board.problems:
        parts += [Text(), _heading(board, problem), _problem_table(board, board.on(problem))]
        parts += _comparisons(board, problem)
        parts += [_indented(Text(text)) for text in choices(board, problem)]
    for fronts in all_front_sets(board, board.rule):
        parts += [Text(), _front_heading(fronts), _front_table(fronts)]
    if has_across(board):
        parts += [Text(), Text("across problems", style="bold"), _across(board)]
        parts += [_indented(Text(" ".join(across_notes(board)), style="dim"))]
    parts += _replicated(board)
    parts += _gaps(board.gaps)
    parts += [Text(f"unreadable record {f.path}: {f.reason}") for f in board.faults[:MOST_GAPS]]
    parts += [Text(), *[Text(formatting.unbroken(note), style="dim") for note in footnotes(board)]]
    return Visible(Group(*parts))


def _heading(board: Leaderboard, problem: str) -> Text:
    primary = board.primary(problem)
    title = formatting.within_sentence(board.metrics[primary])
    has_column = problem in board.compared_problems
    is_named = board.baseline in _difference_name(board)
    named = "" if is_named or not has_column else f"; the baseline is {board.baseline}"
    return Text.assemble(
        (problem, "bold"),
        (f"  {title} {formatting.unit_words(primary)}, {better(primary)} is better{named}", "dim"),
    )


class _Column(NamedTuple):
    """A column of numbers."""

    name: str
    cells: Sequence[str]

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return max(map(cell_len, (self.name, *self.cells)))


@dataclass(frozen=True)
class _Table:
    """A table of rows with their names: without `optional` where it is wide, else as a list.

    Names are text and never markup. None is folded into less than `NAME_WIDTH` columns, or into
    less than half of it and its longest word where that is shorter.
    """

    titles: Sequence[str]
    columns: Sequence[_Column]
    leading: int = 0
    """Number of columns before the names."""

    optional: str = ""
    """Name of the column that is left out first."""

    bold: Sequence[bool] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        longest = max(map(cell_len, self.titles), default=0)
        words = (cell_len(word) for title in self.titles for word in title.split())
        layouts = [(self.columns, max(longest // 2, *words, 0))]
        if self.optional:
            kept = [column for column in self.columns if column.name != self.optional]
            layouts.append((kept, min(longest, NAME_WIDTH)))
        for columns, needed in layouts:
            grid = self._header(columns, needed)
            unlimited = options.update(width=UNLIMITED)
            if console.measure(grid, options=unlimited).minimum <= options.max_width:
                self._add_rows(grid, columns)
                yield grid
                return
        yield from self._listed()

    def _header(self, columns: Sequence[_Column], needed: int) -> Table:
        """A table without rows, whose names have at least `needed` columns of the terminal."""
        grid = Table(
            box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), header_style="dim", expand=True
        )
        numbers: list[_Column | None] = list(columns)
        numbers.insert(self.leading, None)
        for column in numbers:
            if column is None:
                least = max(needed, len("method"))
                grid.add_column("method", overflow="fold", ratio=1, min_width=least)
            else:
                name = Text(column.name)
                grid.add_column(name, justify="right", no_wrap=True, width=column.width)
        return grid

    def _add_rows(self, grid: Table, columns: Sequence[_Column]) -> None:
        for i, title in enumerate(self.titles):
            cells = [Text(column.cells[i]) for column in columns]
            cells.insert(self.leading, Text(title, overflow="fold"))
            grid.add_row(*cells, style=self._style(i))

    def _listed(self) -> Iterable[RenderableType]:
        """Each row as its name and, below it, its numbers with their names."""
        for i, title in enumerate(self.titles):
            yield Text(title, style=self._style(i), overflow="fold")
            numbers = (f"{column.name} {column.cells[i].strip()}" for column in self.columns)
            yield _indented(Text("; ".join(numbers)))

    def _style(self, i: int) -> str:
        return "bold" if self.bold and self.bold[i] else ""


def _problem_table(board: Leaderboard, results: Sequence[Result]) -> _Table:
    return _Table(
        [result.title for result in results],
        _columns(board, results),
        leading=1,
        optional=INTERVAL,
        bold=[result.is_bold for result in results],
    )


def _columns(board: Leaderboard, results: Sequence[Result]) -> list[_Column]:
    scores = [board.score(result) for result in results]
    marks = [formatting.mark(board, result) for result in results]
    # Numbers stay below each other where some of them have a mark.
    room = max(1, *map(len, marks))
    return [
        _Column("rank", [formatting.rank_and_span(result) for result in results]),
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
        *_differences(board, results),
        _Column("n", [formatting.n(board, result) for result in results]),
    ]


def _differences(board: Leaderboard, results: Sequence[Result]) -> list[_Column]:
    """The differences to the baseline and their p-values; none where no row has a baseline."""
    if results[0].problem not in board.compared_problems:
        return []
    compared = [result.to_baseline for result in results]
    return [
        _Column(_difference_name(board), [formatting.difference(each) for each in compared]),
        _Column("p", [formatting.p_value(each.adjusted if each else None) for each in compared]),
    ]


def _comparisons(board: Leaderboard, problem: str) -> list[RenderableType]:
    """The comparisons under `contrasts:` and `tested:`; the table has those with the baseline."""
    lines = verdict_lines(board, problem, with_baseline=False)
    decided = [each for each in lines if not each.verdict.startswith("undecided")]
    undecided = [each for each in lines if each not in decided]
    shown = lines if len(undecided) <= MOST_UNDECIDED else decided
    texts = [
        f"{each.pair}: {each.difference} {each.interval}, p = {each.p}: {each.verdict}"
        for each in shown
    ]
    if len(shown) < len(lines):
        texts.append(f"{len(undecided)} more comparisons are undecided; comparisons.csv has them")
    return [_indented(Text(text.replace("p = <", "p <"))) for text in texts]


def _difference_name(board: Leaderboard) -> str:
    name = f"Δ to {board.baseline}"
    return name if cell_len(name) <= MOST_HEADER else "Δ to baseline"


def _front_heading(fronts: FrontSet) -> Text:
    return Text.assemble((fronts.scope, "bold"), (f"  {front_title(fronts)}", "dim"))


def _front_table(fronts: FrontSet) -> _Table:
    names, values = zip(*front_rows(fronts), strict=True)
    _, best, joint, area, _, n = zip(*values, strict=True)
    columns = {"on its front": best, "on joint front": joint, "hypervolume": area, "n": n}
    return _Table(names, [_Column(name, cells) for name, cells in columns.items()])


def _across(board: Leaderboard) -> _Table:
    """The table over problems, with each interval beside its number."""
    rows, heads = across_rows(board), across_heads(board)[::2]
    pairs = [zip(row.cells[::2], row.cells[1::2], strict=True) for row in rows]
    # A row without a value has two dashes, of which one is shown.
    texts = [[" ".join(dict.fromkeys(pair)) for pair in each] for each in pairs]
    columns = [_Column(head, cells) for head, *cells in zip(heads, *texts, strict=True)]
    optional = heads[-1] if len(heads) > 2 else ""
    return _Table([row.title for row in rows], columns, optional=optional)


def _replicated(board: Leaderboard) -> list[RenderableType]:
    """A sentence on each printed table; nothing where no row has a printed number."""
    sentences = replication_sentences(board)
    heading = [Text(), Text("printed numbers", style="bold")] if sentences else []
    return [*heading, *[_indented(Text(sentence)) for sentence in sentences]]


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
