"""Heat maps of a score over two settings, one for each method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.notation import shown
from evenhand.declared.record import RULES, Rule
from evenhand.suite.figures import Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.setting_lines import Place, Point, families, is_number, spread
from evenhand_reports.wording import figure_captions as words


def heat_maps(board: Leaderboard, figure: Figure, place: Place) -> list[dict[str, Any]]:
    """One figure for each family of rows that has values."""
    assert figure.x is not None
    assert figure.y is not None
    assert figure.colour is not None
    found = []
    for name, points in families(figure, place.standings).items():
        xs, ys = ([shown(v) for v in dict.fromkeys(_axis(points, i))] for i in (0, 1))
        by_place = {(shown(p.at[0]), shown(p.at[1])): p.standing for p in points}
        rules = {
            rule: [[_square(by_place.get((x, y)), figure.colour, rule) for x in xs] for y in ys]
            for rule in RULES
        }
        known = [s["n"] for rows in rules.values() for row in rows for s in row if s]
        if known:
            metric = board.metrics[figure.colour]
            axes = {"x": words.setting(figure.x), "y": words.setting(figure.y), "xs": xs, "ys": ys}
            text = words.seeds(board, known, bands="")
            own = {**axes, "colour": metric, "rules": rules, "text": text}
            found.append(words.head(figure, f"{name}: {metric}") | own)
    return found


def _axis(points: Sequence[Point], i: int) -> list[Any]:
    values = [point.at[i] for point in points]
    return sorted(values) if all(map(is_number, values)) else values


def _square(standing: Standing | None, metric: str, rule: Rule) -> dict[str, Any] | None:
    score = standing.scores[metric, rule].estimate if standing else None
    if score is None:
        return None
    return {name: values[0] for name, values in spread([score]).items()}
