"""The figures that a suite declares, as plain data: lines and heat maps over settings, and curves.

Scores are estimates over seeds at each checkpoint rule; bands are Student-t intervals. Here there
is no layout and no colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.spec.figures import HALVES, RECALL, Figure, coordinate
from harness.spec.record import RULES, Record, Rule
from harness.spec.words import in_print, listed, shown
from reports.baseline import is_baseline
from reports.estimate import Estimate, estimate
from reports.figures import DIGITS, MOST_LINES, thinned, usable
from reports.leaderboard import Leaderboard
from reports.standing import Standing


def suite_figures(board: Leaderboard, problem: str) -> list[dict[str, Any]]:
    """Every figure of the suite on one problem, a heat map for each method; none without values.

    {kind, title, text, x, y, …}: text says what the bands are, over how many seeds.
    """
    found: list[dict[str, Any]] = []
    for figure in board.suite.figures:
        there = [board.standings.get((row, problem)) for row in board.rows]
        standings = [s for s in there if s is not None and _is_drawn(figure, s)]
        if figure.kind == "curves":
            found += _curves(board, figure, standings)
        elif figure.kind == "heat":
            found += _heats(board, figure, standings)
        else:
            found += _lines(board, figure, standings, problem)
    return found


def _is_drawn(figure: Figure, standing: Standing) -> bool:
    cell = standing.cell
    return any(map(figure.is_about, (cell.made, cell.family, cell.row)))


class _Point(NamedTuple):
    at: tuple[Any, ...]
    standing: Standing


def _families(figure: Figure, standings: Sequence[Standing]) -> dict[str, list[_Point]]:
    """The points of each line by its name: rows of one family that differ in the figure's settings
    alone."""
    over = list(figure.settings.values())
    groups: dict[tuple[str, str], list[_Point]] = {}
    rest: dict[tuple[str, str], dict[str, Any]] = {}
    for standing in standings:
        cell = standing.cell
        at = tuple(coordinate(cell.method.settings, cell.recipe, name) for name in over)
        if None in at:
            continue
        others = {k: v for k, v in cell.apart.items() if k.removeprefix("recipe.") not in over}
        key = (cell.family, listed(others))
        groups.setdefault(key, []).append(_Point(at, standing))
        rest[key] = others
    alike = [family for family, _ in groups]
    return {
        in_print(key[0], rest[key] if alike.count(key[0]) > 1 else {}): points
        for key, points in groups.items()
    }


def _lines(
    board: Leaderboard, figure: Figure, standings: Sequence[Standing], problem: str
) -> list[dict[str, Any]]:
    assert figure.x is not None
    assert figure.y is not None
    families = _families(figure, standings)
    drawn = dict(list(families.items())[:MOST_LINES])
    rules = {
        rule: [_line(name, points, figure.y, rule) for name, points in drawn.items()]
        for rule in RULES
    }
    rules = {rule: [line for line in lines if line["x"]] for rule, lines in rules.items()}
    if not any(rules.values()):
        return []
    return [
        {
            **_head(board, figure, f"{board.metrics[figure.y]} by {figure.x}"),
            "x": figure.x,
            "y": board.metrics[figure.y],
            "rules": rules,
            "reference": {rule: _reference(board, figure, problem, rule) for rule in RULES},
            "text": _text(
                board, [n for lines in rules.values() for each in lines for n in each["n"]]
            )
            + _omitted(len(families) - len(drawn)),
        }
    ]


def _line(name: str, points: Sequence[_Point], metric: str, rule: Rule) -> dict[str, Any]:
    found = [(p.at[0], p.standing.scores[metric, rule].estimate) for p in _ordered(points)]
    known = [(at, score) for at, score in found if score is not None]
    x = [at if _is_number(at) else shown(at) for at, _ in known]
    return {"name": name, "x": x, **_spread([score for _, score in known])}


def _ordered(points: Sequence[_Point]) -> list[_Point]:
    numeric = all(_is_number(value) for point in points for value in point.at)
    return sorted(points, key=lambda p: p.at) if numeric else list(points)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spread(scores: Sequence[Estimate]) -> dict[str, list[float | None]]:
    ends = [score.interval for score in scores]
    return {
        "mean": [round(score.mean, DIGITS) for score in scores],
        "low": [round(end.low, DIGITS) if end else None for end in ends],
        "high": [round(end.high, DIGITS) if end else None for end in ends],
        "n": [score.n for score in scores],
    }


def _reference(
    board: Leaderboard, figure: Figure, problem: str, rule: Rule
) -> dict[str, Any] | None:
    """The baseline, where it is one row that has no such setting: a line across the figure."""
    assert figure.x is not None
    assert figure.y is not None
    rows = [s for s in board.on(problem) if is_baseline(board.suite, s)]
    if len(rows) != 1 or figure.x in rows[0].cell.method.settings:
        return None
    score = rows[0].scores[figure.y, rule].estimate
    return {"name": rows[0].title, "mean": round(score.mean, DIGITS)} if score else None


def _heats(
    board: Leaderboard, figure: Figure, standings: Sequence[Standing]
) -> list[dict[str, Any]]:
    assert figure.x is not None
    assert figure.y is not None
    assert figure.colour is not None
    found = []
    for name, points in _families(figure, standings).items():
        ordered = _ordered(points)
        xs, ys = ([shown(v) for v in dict.fromkeys(_axis(ordered, i))] for i in (0, 1))
        by_place = {(shown(p.at[0]), shown(p.at[1])): p.standing for p in points}
        rules = {
            rule: [[_square(by_place.get((x, y)), figure.colour, rule) for x in xs] for y in ys]
            for rule in RULES
        }
        known = [s["n"] for rows in rules.values() for row in rows for s in row if s]
        if known:
            title = f"{name}: {board.metrics[figure.colour]}"
            head = _head(board, figure, title)
            axes = {"x": figure.x, "y": figure.y, "xs": xs, "ys": ys}
            text = _text(board, known, bands=False)
            metric = board.metrics[figure.colour]
            found.append({**head, **axes, "colour": metric, "rules": rules, "text": text})
    return found


def _axis(points: Sequence[_Point], i: int) -> list[Any]:
    values = [point.at[i] for point in points]
    return sorted(values) if all(map(_is_number, values)) else values


def _square(standing: Standing | None, metric: str, rule: Rule) -> dict[str, Any] | None:
    score = standing.scores[metric, rule].estimate if standing else None
    if score is None:
        return None
    return {name: values[0] for name, values in _spread([score]).items()}


def _curves(
    board: Leaderboard, figure: Figure, standings: Sequence[Standing]
) -> list[dict[str, Any]]:
    assert figure.curves
    lines = [_curve(board, standing, figure.curves) for standing in standings]
    known = [line for line in lines if line]
    if not known:
        return []
    drawn = known[:MOST_LINES]
    return [
        {
            **_head(board, figure, figure.curves.replace("_", " ")),
            "x": "epoch",
            "y": figure.curves.replace("_", " "),
            "lines": drawn,
            "text": _text(board, [line["n"] for line in drawn]) + _omitted(len(known) - len(drawn)),
        }
    ]


def _curve(board: Leaderboard, standing: Standing, series: str) -> dict[str, Any] | None:
    """Mean and interval by epoch, over the seeds that have the longest run's epochs."""
    runs = [r for r in usable(standing) if r.curves.get("epoch")]
    if not runs:
        return None
    epochs = max((r.curves["epoch"] for r in runs), key=len)
    found = [_series(r, series) for r in runs if r.curves["epoch"] == epochs]
    values = [each for each in found if each is not None]
    if not values:
        return None
    known = [
        (epochs[i], [v for run in values if (v := run[i]) is not None])
        for i in thinned(len(epochs))
    ]
    scores = [(epoch, estimate(p, alpha=board.suite.alpha)) for epoch, p in known if p]
    return {
        "row": standing.row,
        "name": standing.title,
        "epoch": [epoch for epoch, _ in scores],
        **_spread([score for _, score in scores]),
        "n": len(values),
    }


def _series(record: Record, series: str) -> list[float | None] | None:
    """A curve of the record, or the mean over half of its classes."""
    half = series.removeprefix(RECALL)
    if half not in HALVES or record.data is None:
        return record.curves.get(series)
    train = record.data.train_counts.sum(1)
    order = np.argsort(-train, kind="stable")
    size = len(order) // 2
    labels = order[:size] if half == HALVES[0] else order[len(order) - size :]
    each = [record.curves.get(f"{RECALL}{label}") for label in labels.tolist()]
    known = [curve for curve in each if curve is not None]
    if not known or len(known) < size:
        return None
    return [None if None in point else float(np.mean(point)) for point in zip(*known, strict=True)]


def _head(board: Leaderboard, figure: Figure, title: str) -> dict[str, Any]:
    return {"kind": figure.kind, "title": figure.title, "what": title}


def _text(board: Leaderboard, sizes: Sequence[int], *, bands: bool = True) -> str:
    """`Mean over seeds, n = 5; bands are Student-t intervals at 95 %.`"""
    low, high = min(sizes), max(sizes)
    n = f"n = {low}" if low == high else f"n = {low} to {high}"
    level = f"{100 * (1 - board.suite.alpha):g}"
    if high == 1:
        return f"One seed, {n}: no interval."
    spread = f"; bands are Student-t intervals at {level} %" if bands else ""
    return f"Mean over seeds, {n}{spread}."


def _omitted(n: int) -> str:
    return f" {n} more lines are not drawn; `methods:` chooses." if n else ""
