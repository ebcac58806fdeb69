"""The leaderboard in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
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
NUMBERS_WIDTH = 68
"""Columns that all but the method need at most."""


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
    return Text.assemble(
        (problem, "bold"), (f"  {title} in percent, {board.direction} is better", "dim")
    )


@dataclass(frozen=True)
class _Table:
    """The table of a problem; a long method name takes the place of the interval."""

    board: Leaderboard
    results: Sequence[Result]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = [word for result in self.results for word in result.title.split()]
        halves = [len(result.title) // 2 for result in self.results]
        needed = NUMBERS_WIDTH + max([*map(len, words), *halves], default=0)
        yield self._grid(options.max_width >= needed)

    def _grid(self, has_room: bool) -> Table:
        grid = _grid()
        grid.add_column("rank", justify="right")
        grid.add_column("method", overflow="fold", ratio=1)
        grid.add_column("mean ± sd", justify="right", no_wrap=True)
        if has_room:
            grid.add_column("interval", justify="right", no_wrap=True)
        grid.add_column(f"Δ to {self.board.baseline}", justify="right", overflow="fold")
        grid.add_column("p", justify="right", no_wrap=True)
        grid.add_column("n", justify="right", no_wrap=True)
        for result in self.results:
            cells = _cells(self.board, result, has_room=has_room)
            grid.add_row(*cells, style="bold" if result.is_bold else "")
        return grid


def _cells(board: Leaderboard, result: Result, *, has_room: bool) -> list[str]:
    score = result.scores[board.suite.primary, board.rule]
    found = score.estimate
    to_baseline = result.to_baseline
    interval = [formatting.interval(found.interval) if found else formatting.NO_VALUE]
    return [
        formatting.rank(result),
        result.title,
        formatting.score_text(score) + formatting.mark(board, result),
        *(interval if has_room else []),
        formatting.difference(to_baseline),
        formatting.p_value(to_baseline.holm if to_baseline else None),
        formatting.n(board, result),
    ]


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
        grid.add_row(name, best, joint, area, n)
    return grid


def _averages(board: Leaderboard) -> RenderableType:
    grid = _grid()
    grid.add_column("average", justify="right")
    grid.add_column("method", overflow="fold", ratio=1)
    averages = board.average_ranks
    for row in sorted(averages, key=lambda r: (averages[r] is None, averages[r] or 0)):
        mean = averages[row]
        grid.add_row(formatting.NO_VALUE if mean is None else f"{mean:.2f}", board.rows[row])
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
