"""Lines of a score over a setting of methods, recipes or problems, with theory if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.record import RULES, Rule
from evenhand.suite.figures import Figure
from evenhand_reports.board.baseline import is_baseline
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.recall_and_curves import DIGITS, MOST_LINES
from evenhand_reports.figures.setting_lines import Place, Point, families, on_axis, spread
from evenhand_reports.figures.theory import along
from evenhand_reports.wording import figure_captions as words

BY_THEORY = " Dashed without points: theory."


def line_figures(board: Leaderboard, figure: Figure, place: Place) -> list[dict[str, Any]]:
    """One figure, or none without values.

    rules: by rule the lines, {name, x, mean, low, high, n, colour}; theory: {name, x, y, colour}.
    """
    assert figure.x is not None
    assert figure.y is not None
    every = families(figure, place.standings)
    drawn = dict(list(every.items())[:MOST_LINES])
    rules = {
        rule: [
            {**_line(name, points, figure.y, rule), "colour": i}
            for i, (name, points) in enumerate(drawn.items())
        ]
        for rule in RULES
    }
    rules = {rule: [line for line in lines if line["x"]] for rule, lines in rules.items()}
    if not any(rules.values()):
        return []
    sizes = [n for lines in rules.values() for line in lines for n in line["n"]]
    theory = [
        {"name": f"{name}, theory", "x": found["at"], "y": found["values"][0], "colour": i}
        for i, (name, points) in enumerate(drawn.items())
        if (found := along(points, figure.x, [figure.y]))
    ]
    axis = words.setting(figure.x)
    return [
        {
            **words.head(figure, f"{board.metrics[figure.y]} by {axis}"),
            "x": axis,
            "y": board.metrics[figure.y],
            "rules": rules,
            "theory": theory,
            "ramp": words.ramp(figure, [points[0].standing for points in drawn.values()]),
            "reference": {rule: _reference(board, figure, place, rule) for rule in RULES},
            "text": words.seeds(board, sizes, bands=_bands(len(theory), len(drawn)))
            + (BY_THEORY if theory else "")
            + words.omitted(len(every) - len(drawn)),
        }
    ]


def _bands(with_theory: int, lines: int) -> str:
    """How intervals are drawn: the line through points would be taken for the theory's."""
    if not with_theory:
        return "bands"
    return "bars" if with_theory == lines else "bands and bars"


def _line(name: str, points: Sequence[Point], metric: str, rule: Rule) -> dict[str, Any]:
    found = [(p.at[0], p.standing.scores[metric, rule].estimate) for p in points]
    known = [(at, score) for at, score in found if score is not None]
    x = [on_axis(at) for at, _ in known]
    return {"name": name, "x": x, **spread([score for _, score in known])}


def _reference(
    board: Leaderboard, figure: Figure, place: Place, rule: Rule
) -> dict[str, Any] | None:
    """The baseline on one problem, where it is one row that has no such setting: a line across."""
    assert figure.x is not None
    assert figure.y is not None
    there = board.on(place.name) if place.is_one else []
    rows = [s for s in there if is_baseline(board.suite, s)]
    if len(rows) != 1 or figure.x in rows[0].configuration.method.settings:
        return None
    score = rows[0].scores[figure.y, rule].estimate
    return {"name": rows[0].title, "mean": round(score.mean, DIGITS)} if score else None
