"""The figures that a suite declares, as data: lines and heat maps over settings, fronts, curves.

Scores are estimates over seeds at each checkpoint rule; bands are Student-t intervals. Layout and
colours are chosen by the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evenhand.suite.figures import Figure, Kind
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.epoch_curves import series_figures
from evenhand_reports.figures.front_figures import front_figures
from evenhand_reports.figures.heat_maps import heat_maps
from evenhand_reports.figures.line_figures import line_figures
from evenhand_reports.figures.setting_lines import (
    FigureScope,
    scope_of_problem,
    scopes_over_problems,
)

FigureData = list[dict[str, Any]]
DRAW: Mapping[Kind, Callable[[Leaderboard, Figure, FigureScope], FigureData]] = {
    "lines": line_figures,
    "heat": heat_maps,
    "front": front_figures,
    "curves": series_figures,
}


def suite_figures(board: Leaderboard, problem: str) -> FigureData:
    """Every figure of the suite on one problem, a heat map for each method; none without values.

    {kind, title, what, text, x, y, …}: text describes the bands and the number of seeds.
    """
    figures = [figure for figure in board.suite.figures if not figure.of_problems]
    scopes = [(figure, scope_of_problem(board, figure, problem)) for figure in figures]
    return [drawn for figure, scope in scopes for drawn in DRAW[figure.kind](board, figure, scope)]


def figures_over_problems(board: Leaderboard) -> FigureData:
    """The figures that go over problems: one for each set of problems that differ in nothing else.

    Where one declaration gives several figures, `on` names what their problems have in common.
    """
    found = []
    for figure in board.suite.figures:
        scopes = list(scopes_over_problems(board, figure)) if figure.of_problems else []
        for scope in scopes:
            drawn = DRAW[figure.kind](board, figure, scope)
            named = {"on": scope.name} if len(scopes) > 1 else {}
            found += [one | named for one in drawn]
    return found
