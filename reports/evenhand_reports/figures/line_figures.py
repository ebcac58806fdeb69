"""Lines of a score over a setting of methods, recipes or problems, with theory if there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evenhand.declared.record import RULES, Rule
from evenhand.suite.figures import Figure, is_plain
from evenhand_reports.board.baseline import is_baseline
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.board.row_order import MOST_DRAWN_ROWS
from evenhand_reports.figures.record_series import estimate_at
from evenhand_reports.figures.rounding import rounded
from evenhand_reports.figures.setting_lines import (
    FigureScope,
    Point,
    lines_over_settings,
    mean_and_interval,
    on_axis,
    ramp_size,
)
from evenhand_reports.figures.theory import theory_line
from evenhand_reports.statistics.estimate import Estimate
from evenhand_reports.wording import figure_captions


def line_figures(board: Leaderboard, figure: Figure, scope: FigureScope) -> list[dict[str, Any]]:
    """One figure, or none without values.

    rules: by rule the lines, {name, method, x, mean, low, high, n, colour}; theory: {name,
    method, x, y, colour}.
    """
    assert figure.x is not None
    assert figure.y is not None
    lines = lines_over_settings(figure, scope.results)
    drawn = dict(list(lines.items())[:MOST_DRAWN_ROWS])
    rules = {rule: _lines(board, figure, drawn, rule) for rule in RULES}
    if not any(rules.values()):
        return []
    sizes = [n for each in rules.values() for line in each for n in line["n"]]
    theory = [
        {
            "name": f"{name}, theory",
            **_method(points),
            "x": found.values,
            "y": found.by_metric[0],
            "colour": i,
        }
        for i, (name, points) in enumerate(drawn.items())
        if not figure.y_series and (found := theory_line(points, figure.x, [figure.y]))
    ]
    setting = figure_captions.setting_name(figure.x)
    y = figure_captions.series_title(figure.y_series) or board.metrics[figure.y]
    return [
        {
            **figure_captions.caption_head(figure, f"{y} by {setting}"),
            "x": setting,
            "y": y,
            "plain": is_plain(figure.y_series),
            "rules": rules,
            "theory": theory,
            "ramp": ramp_size(figure, [points[0].result for points in drawn.values()]),
            "reference": {rule: _baseline_line(board, figure, scope, rule) for rule in RULES},
            "text": figure_captions.seeds_caption(
                board, sizes, bands=_bands(len(theory), len(drawn))
            )
            + (figure_captions.THEORY if theory else "")
            + figure_captions.omitted_caption(len(lines) - len(drawn)),
        }
    ]


def _method(points: Sequence[Point]) -> dict[str, str]:
    return {"method": points[0].result.configuration.method_title}


def _bands(with_theory: int, lines: int) -> str:
    """The drawing of intervals: bars beside theory, where a line would be taken for the theory."""
    if not with_theory:
        return "bands"
    return "bars" if with_theory == lines else "bands and bars"


def _lines(
    board: Leaderboard, figure: Figure, lines: dict[str, list[Point]], rule: Rule
) -> list[dict[str, Any]]:
    found = []
    for i, (name, points) in enumerate(lines.items()):
        scores = [(p.values[0], _estimate(board, figure, p.result, rule)) for p in points]
        known = [(value, score) for value, score in scores if score is not None]
        if known:
            x = [on_axis(value) for value, _ in known]
            scored = mean_and_interval([score for _, score in known])
            found.append({"name": name, **_method(points), "x": x, **scored, "colour": i})
    return found


def _estimate(board: Leaderboard, figure: Figure, result: Result, rule: Rule) -> Estimate | None:
    """The metric, or the series at the epoch of the rule, on the vertical axis."""
    if figure.y_series:
        return estimate_at(board, result, figure.y_series, rule)
    assert figure.y is not None
    return result.scores[figure.y, rule].estimate


def _baseline_line(
    board: Leaderboard, figure: Figure, scope: FigureScope, rule: Rule
) -> dict[str, Any] | None:
    """The baseline as a horizontal line, where it is one row of one problem without the setting."""
    assert figure.x is not None
    results = board.on(scope.name) if scope.is_one_problem else []
    rows = [result for result in results if is_baseline(board.suite, result)]
    if len(rows) != 1 or figure.x in rows[0].configuration.method.settings:
        return None
    score = _estimate(board, figure, rows[0], rule)
    return {"name": rows[0].title, "mean": rounded(score.mean)} if score else None
