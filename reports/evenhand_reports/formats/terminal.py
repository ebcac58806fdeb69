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
from evenhand_reports.board.results import Gap, Standing
from evenhand_reports.figures import front_figures as fronts
from evenhand_reports.figures.fronts import Plane, planes
from evenhand_reports.wording import formatting
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.summary import answer, choices, gap_text, place

MOST_GAPS = 8
NUMBERS_WIDTH = 68
"""What the columns beside the method take at most."""


def render(board: Leaderboard) -> RenderableType:
    """Question and answer, one table a problem, what is lacking, footnotes."""
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
    for plane in planes(board, board.rule):
        parts += [Text(), _front_heading(plane), _front(plane)]
    if len(board.problems) > 1 and any(board.average_ranks.values()):
        parts += [Text(), Text("average rank over problems", style="bold"), _averages(board)]
    parts += _gaps(board.gaps)
    parts += [Text(f"unreadable record {f.path}: {f.reason}") for f in board.faults[:MOST_GAPS]]
    parts += [Text(), *[Text(note, style="dim") for note in footnotes(board)]]
    return Group(*parts)


def _heading(board: Leaderboard, problem: str) -> Text:
    title = board.metrics[board.suite.primary].lower()
    direction = "higher" if board.higher else "lower"
    return Text.assemble((problem, "bold"), (f"  {title} in percent, {direction} is better", "dim"))


@dataclass(frozen=True)
class _Table:
    """A problem's rows; without the interval where a long name needs its room."""

    board: Leaderboard
    standings: Sequence[Standing]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        words = [word for standing in self.standings for word in standing.title.split()]
        halves = [len(standing.title) // 2 for standing in self.standings]
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
        for standing in self.standings:
            cells = _cells(self.board, standing, has_room=has_room)
            grid.add_row(*cells, style="bold" if standing.is_bold else "")
        return grid


def _cells(board: Leaderboard, standing: Standing, *, has_room: bool) -> list[str]:
    found = standing.scores[board.suite.primary, board.rule].estimate
    to_baseline = standing.to_baseline
    interval = [formatting.interval(found.interval) if found else formatting.NO_VALUE]
    return [
        formatting.rank(standing),
        standing.title,
        f"{formatting.mean_sd(found)}{formatting.mark(standing) or ' '}",
        *(interval if has_room else []),
        formatting.difference(to_baseline),
        formatting.p_value(to_baseline.holm if to_baseline else None),
        formatting.n(board, standing),
    ]


def _front_heading(plane: Plane) -> Text:
    return Text.assemble((plane.place, "bold"), (f"  {fronts.what(plane)}", "dim"))


def _front(plane: Plane) -> RenderableType:
    grid = _grid()
    grid.add_column("method", overflow="fold", ratio=1)
    grid.add_column("on its front", overflow="fold")
    grid.add_column("of all", justify="right", no_wrap=True)
    grid.add_column("hypervolume", justify="right", no_wrap=True)
    grid.add_column("n", justify="right", no_wrap=True)
    for name, (_, best, joint, area, _, n) in fronts.rows(plane):
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
    parts += [_indented(Text(f"{place(gap)}: {gap_text(gap)}")) for gap in gaps[:MOST_GAPS]]
    if len(gaps) > MOST_GAPS:
        parts.append(_indented(Text(f"and {len(gaps) - MOST_GAPS} more", style="dim")))
    return parts


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 2), expand=False)
