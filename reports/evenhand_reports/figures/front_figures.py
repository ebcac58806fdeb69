"""Figures of Pareto fronts: curves in the plane of two metrics, with theory where it is known."""

from __future__ import annotations

from typing import Any

from evenhand.declared.record import RULES
from evenhand.suite.figures import Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import MOST_DRAWN_ROWS
from evenhand_reports.figures.front_tables import front_note, front_rows, front_title
from evenhand_reports.figures.fronts import Front, front_set
from evenhand_reports.figures.setting_lines import (
    FigureScope,
    lines_over_settings,
    mean_and_interval,
    ramp_size,
)
from evenhand_reports.figures.theory import theory_line
from evenhand_reports.wording import figure_captions

MARKERS = " Filled markers are on the Pareto front of their line, hollow ones are dominated."


def front_figures(board: Leaderboard, figure: Figure, scope: FigureScope) -> list[dict[str, Any]]:
    """One figure, or none without values.

    rules: by rule the lines, {name, settings, x, y, front, colour}, with x and y as
    `mean_and_interval` returns them; tables: by rule the rows of the table.
    """
    assert figure.over is not None
    sets = {rule: front_set(board, figure, scope, rule) for rule in RULES}
    first = sets[board.rule]
    fronts = [front for each in sets.values() for front in each.fronts]
    sizes = [score.n for front in fronts for point in front.points for score in point.scores]
    if not sizes:
        return []
    theory = _theory(figure, scope)
    rows = {rule: front_rows(each) for rule, each in sets.items()}
    drawn = [front.first_result for front in first.fronts[:MOST_DRAWN_ROWS]]
    omitted = max(len(each.fronts) for each in sets.values()) - MOST_DRAWN_ROWS
    return [
        {
            **figure_captions.caption_head(figure, front_title(first)),
            "x": first.titles[0],
            "y": first.titles[1],
            "over": figure_captions.setting_name(figure.over),
            "rules": {
                rule: [_line(front) for front in each.fronts if front.colour < MOST_DRAWN_ROWS]
                for rule, each in sets.items()
            },
            "theory": theory,
            "ramp": ramp_size(figure, drawn),
            "tables": {rule: [row.values for row in each] for rule, each in rows.items()},
            "names": {rule: [row.name for row in each] for rule, each in rows.items()},
            "text": figure_captions.seeds_caption(board, sizes, bands="bars")
            + MARKERS
            + (figure_captions.THEORY if theory else "")
            + figure_captions.omitted_caption(omitted),
            "note": front_note(first),
        }
    ]


def _line(front: Front) -> dict[str, Any]:
    x, y = ([point.scores[i] for point in front.points] for i in (0, 1))
    return {
        "name": front.name,
        "method": front.first_result.configuration.method_title,
        "settings": [point.setting for point in front.points],
        "x": mean_and_interval(x),
        "y": mean_and_interval(y),
        "front": [point.on_front for point in front.points],
        "colour": front.colour,
    }


def _theory(figure: Figure, scope: FigureScope) -> list[dict[str, Any]]:
    assert figure.front is not None
    assert figure.over is not None
    lines = lines_over_settings(figure, scope.results, with_single_points=True)
    return [
        {
            "name": f"{name}, theory",
            "method": points[0].result.configuration.method_title,
            "x": found.by_metric[0],
            "y": found.by_metric[1],
            "colour": i,
        }
        for i, (name, points) in enumerate(list(lines.items())[:MOST_DRAWN_ROWS])
        if None not in points[0].values
        and (found := theory_line(points, figure.over, figure.front))
    ]
