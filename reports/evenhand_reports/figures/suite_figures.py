"""The figures that a suite declares, as plain data: lines and heat maps over settings, fronts, and
curves.

Scores are estimates over seeds at each checkpoint rule; bands are Student-t intervals. Here there
is no layout and no colour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evenhand.suite.figures import Figure, Kind
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.epoch_curves import series_figures
from evenhand_reports.figures.front_figures import front_figures
from evenhand_reports.figures.heat_maps import heat_maps
from evenhand_reports.figures.lines import line_figures
from evenhand_reports.figures.setting_lines import Place, place, places

Drawn = list[dict[str, Any]]
DRAW: Mapping[Kind, Callable[[Leaderboard, Figure, Place], Drawn]] = {
    "lines": line_figures,
    "heat": heat_maps,
    "front": front_figures,
    "curves": series_figures,
}


def suite_figures(board: Leaderboard, problem: str) -> Drawn:
    """Every figure of the suite on one problem, a heat map for each method; none without values.

    {kind, title, what, text, x, y, …}: text says what the bands are, over how many seeds.
    """
    own = [figure for figure in board.suite.figures if not figure.of_problems]
    return [each for f in own for each in DRAW[f.kind](board, f, place(board, f, problem))]


def figures_of_problems(board: Leaderboard) -> Drawn:
    """Those that go over problems: one for problems that differ in nothing else."""
    found = []
    for figure in board.suite.figures:
        there = list(places(board, figure)) if figure.of_problems else []
        for each in there:
            drawn = DRAW[figure.kind](board, figure, each)
            named = {"on": each.name} if len(there) > 1 else {}
            found += [one | named for one in drawn]
    return found
