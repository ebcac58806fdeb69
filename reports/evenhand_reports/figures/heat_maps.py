"""Heat maps of a score over two settings, one for each method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.notation import format_value
from evenhand.declared.record import RULES, Rule
from evenhand.suite.figures import Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.figures.setting_lines import (
    FigureScope,
    Point,
    is_number,
    lines_over_settings,
    mean_and_interval,
)
from evenhand_reports.wording import figure_captions


def heat_maps(board: Leaderboard, figure: Figure, scope: FigureScope) -> list[dict[str, Any]]:
    """One figure for each method that has values."""
    assert figure.x is not None
    assert figure.y is not None
    assert figure.colour is not None
    maps = []
    for name, points in lines_over_settings(figure, scope.results).items():
        xs, ys = ([format_value(v) for v in dict.fromkeys(_axis_values(points, i))] for i in (0, 1))
        by_values = {
            (format_value(p.values[0]), format_value(p.values[1])): p.result for p in points
        }
        rules = {
            rule: [[_square(by_values.get((x, y)), figure.colour, rule) for x in xs] for y in ys]
            for rule in RULES
        }
        sizes = [square["n"] for rows in rules.values() for row in rows for square in row if square]
        if sizes:
            metric = board.metrics[figure.colour]
            map_ = {
                "x": figure_captions.setting_name(figure.x),
                "y": figure_captions.setting_name(figure.y),
                "xs": xs,
                "ys": ys,
                "colour": metric,
                "rules": rules,
                "text": figure_captions.seeds_caption(board, sizes, bands=""),
            }
            maps.append(figure_captions.caption_head(figure, f"{name}: {metric}") | map_)
    return maps


def _axis_values(points: Sequence[Point], i: int) -> list[Any]:
    values = [point.values[i] for point in points]
    return sorted(values) if all(map(is_number, values)) else values


def _square(result: Result | None, metric: str, rule: Rule) -> dict[str, Any] | None:
    score = result.scores[metric, rule].estimate if result else None
    if score is None:
        return None
    return {name: values[0] for name, values in mean_and_interval([score]).items()}
