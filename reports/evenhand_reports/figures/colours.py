"""One colour for each method in all figures of a report.

A figure numbers its lines. The palette replaces these numbers by styles that a line of the same
name has in every figure, where two lines of one figure do not need the same colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import drawn_rows
from evenhand_reports.figures.suite_figures import (
    FigureData,
    figures_over_problems,
    suite_figures,
)

COLOURS = 7
"""Number of colours of the page and of LaTeX. A style is a colour, solid or, from 7 on, dashed."""

STYLES = 2 * COLOURS


class ReportFigures(NamedTuple):
    """The figures of a suite in the colours of one palette."""

    styles: dict[str, int | None]
    """The style of each row that every problem draws; None for the baseline, which is grey."""

    over: FigureData
    """Figures over problems."""

    by_problem: dict[str, FigureData]


def report_figures(board: Leaderboard) -> ReportFigures:
    """The figures of a board, equally coloured for the page and for LaTeX."""
    palette = Palette(board)
    over = [palette.coloured(figure) for figure in figures_over_problems(board)]
    by_problem = {
        problem: [palette.coloured(figure) for figure in suite_figures(board, problem)]
        for problem in board.problems
    }
    return ReportFigures(palette.of_rows, over, by_problem)


class _Line(NamedTuple):
    """A line of a figure."""

    name: str
    method: str
    """Title of its method, whose colour it gets where the name has none."""


class Palette:
    """The styles of a report: those of the rows that every problem draws, then figure by figure."""

    def __init__(self, board: Leaderboard) -> None:
        self._by_name: dict[str, int] = {}
        self._by_method: dict[str, int] = {}
        self._baseline = board.rows.get(board.drawn_baseline)
        rows = drawn_rows(board)
        methods = {
            row: found.configuration.method_title for (row, _), found in board.results.items()
        }
        styles = self._styles(
            {i: _Line(board.rows[row], methods[row]) for i, row in enumerate(rows)}
        )
        self.of_rows = {row: styles[i] for i, row in enumerate(rows)}

    def coloured(self, figure: dict[str, Any]) -> dict[str, Any]:
        """The figure with the styles of its lines as their `colour`; ramps are unchanged."""
        if figure["kind"] == "heat" or figure["ramp"]:
            return figure
        styles = self._styles(dict(_lines(figure)))

        def styled(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [{**line, "colour": styles[line["colour"]]} for line in lines]

        if figure["kind"] == "curves":
            return {**figure, "lines": styled(figure["lines"])}
        rules = {rule: styled(lines) for rule, lines in figure["rules"].items()}
        return {**figure, "rules": rules, "theory": styled(figure["theory"])}

    def _styles(self, lines: dict[int, _Line]) -> dict[int, int | None]:
        """The styles of the lines of one figure, by their numbers."""
        styles: dict[int, int | None] = {}
        known = sorted(lines, key=lambda i: lines[i].name not in self._by_name)
        for i in known:
            if lines[i].name == self._baseline:
                styles[i] = None
                continue
            used = {style for style in styles.values() if style is not None}
            styles[i] = style = self._style(lines[i], used)
            self._by_name.setdefault(lines[i].name, style)
            self._by_method.setdefault(lines[i].method, style)
        return styles

    def _style(self, line: _Line, used: set[int]) -> int:
        """The style of the name or the method, unless the figure has its colour; else a new one."""
        colours = {style % COLOURS for style in used}
        for found in (self._by_name.get(line.name), self._by_method.get(line.method)):
            if found is not None and found % COLOURS not in colours:
                return found
        taken = {*self._by_name.values(), *self._by_method.values()}
        free = [style for style in range(STYLES) if style not in used]
        return min(free, key=lambda style: (style % COLOURS in colours, style in taken, style))


def _lines(figure: dict[str, Any]) -> Iterator[tuple[int, _Line]]:
    """The lines of a figure at every checkpoint rule, by their numbers."""
    every = figure.get("lines") or [line for lines in figure["rules"].values() for line in lines]
    for line in every:
        yield line["colour"], _Line(line["name"], line["method"])
    for line in figure.get("theory", ()):
        yield line["colour"], _Line(line["name"].removesuffix(", theory"), line["method"])
