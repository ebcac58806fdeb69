"""Pareto fronts over a setting: points of a method in the plane of two metrics.

A front is computed from means over seeds. A hypervolume is computed for each seed from its own
points: the area between the front and a reference corner, in the units of both metrics as
fractions; larger is better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.declared.notation import format_value
from evenhand.declared.record import Rule
from evenhand.declared.registry import REGISTRY
from evenhand.metrics import better
from evenhand.suite.figures import Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.figures.setting_lines import (
    FigureScope,
    Point,
    lines_over_settings,
    scope_of_problem,
    scopes_over_problems,
)
from evenhand_reports.statistics.estimate import Estimate, estimate
from evenhand_reports.statistics.pareto import hypervolume, on_front


@dataclass(frozen=True)
class FrontPoint:
    """One setting of a line in the plane of both metrics."""

    setting: str
    """As text; "" for a row without the setting."""

    scores: tuple[Estimate, Estimate]
    on_front: bool
    """No other point of the line dominates it."""

    on_joint_front: bool
    """No point of any line dominates it."""


@dataclass(frozen=True)
class Front:
    """The points of one line of a figure at one checkpoint rule."""

    name: str
    first_result: Result
    points: tuple[FrontPoint, ...]
    colour: int
    """The index of the line in its figure."""

    volume: Estimate | None
    """The hypervolume over the seeds that have every point; None where no seed has."""

    seeds: int
    """Number of seeds that the suite declares."""

    keys: tuple[str, ...]
    """Trials whose values are in the points."""

    @property
    def best(self) -> tuple[FrontPoint, ...]:
        """The points on the front."""
        return tuple(point for point in self.points if point.on_front)


@dataclass(frozen=True)
class FrontSet:
    """The fronts of one figure in one plane of two metrics."""

    figure: Figure
    scope: str
    """The problem, or what several problems have in common."""

    metrics: tuple[str, str]
    titles: tuple[str, str]
    reference: tuple[float, float]
    """The corner that hypervolumes are measured to."""

    fronts: tuple[Front, ...]


def all_front_sets(board: Leaderboard, rule: Rule) -> list[FrontSet]:
    """Every front figure of the suite: figures over problems first, then problem by problem."""
    found = []
    for figure in (f for f in board.suite.figures if f.front):
        if figure.of_problems:
            scopes = list(scopes_over_problems(board, figure))
        else:
            scopes = [scope_of_problem(board, figure, problem) for problem in board.problems]
        found += [front_set(board, figure, scope, rule) for scope in scopes]
    return [each for each in found if each.fronts]


def front_set(board: Leaderboard, figure: Figure, scope: FigureScope, rule: Rule) -> FrontSet:
    """The fronts of one figure at one rule; a line without a point with both scores is left out."""
    assert figure.front is not None
    x, y = figure.front
    lines = lines_over_settings(figure, scope.results, with_single_points=True)
    found = [
        _front(board, figure, (name, points), rule=rule, colour=i)
        for i, (name, points) in enumerate(lines.items())
    ]
    fronts = _with_joint_front(figure.front, [front for front in found if front.points])
    titles = board.metrics[x], board.metrics[y]
    reference = reference_corner(figure)
    return FrontSet(figure, scope.name, figure.front, titles, reference, tuple(fronts))


def reference_corner(figure: Figure) -> tuple[float, float]:
    """The corner that the suite gives; otherwise the worst score of either metric."""
    assert figure.front is not None
    if figure.reference:
        return figure.reference
    x, y = (_worst(metric) for metric in figure.front)
    return x, y


def _worst(metric: str) -> float:
    usual = 1.0 if better(metric) == "lower" else 0.0
    return float(REGISTRY.get("metric", metric).facts.get("worst", usual))


def is_signed(metric: str) -> bool:
    """Whether a metric is best at 0 and can be negative."""
    return bool(REGISTRY.get("metric", metric).facts.get("signed", False))


def _costs(metrics: tuple[str, str], scores: Any) -> Float[np.ndarray, "points 2"]:
    """Scores as costs, lower is better; the cost of a signed metric is its absolute value."""
    values = np.asarray(scores, dtype=np.float64).reshape(-1, 2)
    signed = [is_signed(metric) for metric in metrics]
    signs = [1.0 if better(metric) == "lower" else -1.0 for metric in metrics]
    return np.where(signed, np.abs(values), values * signs)


def _front(
    board: Leaderboard,
    figure: Figure,
    line: tuple[str, Sequence[Point]],
    *,
    rule: Rule,
    colour: int,
) -> Front:
    assert figure.front is not None
    name, points = line
    x, y = figure.front
    scored = [
        (point, (one, other))
        for point in points
        if (one := point.result.scores[x, rule].estimate) is not None
        and (other := point.result.scores[y, rule].estimate) is not None
    ]
    best = on_front(_costs(figure.front, [[one.mean, other.mean] for _, (one, other) in scored]))
    pairs = [_pairs(figure.front, point.result, rule) for point in points]
    areas = _hypervolumes(figure, pairs)
    ratio = max(point.result.test_ratio for point in points)
    return Front(
        name=name,
        first_result=points[0].result,
        points=tuple(
            FrontPoint(_setting(point), scores, on_front=bool(is_best), on_joint_front=False)
            for (point, scores), is_best in zip(scored, best, strict=True)
        ),
        colour=colour,
        volume=_volume(areas, alpha=board.suite.alpha, test_ratio=ratio) if areas else None,
        seeds=len(points[0].result.records),
        keys=tuple(
            trial.key
            for point, by_seed in zip(points, pairs, strict=True)
            for trial, pair in zip(point.result.configuration.trials, by_seed, strict=True)
            if pair is not None
        ),
    )


def _pairs(
    metrics: tuple[str, str], result: Result, rule: Rule
) -> list[tuple[float, float] | None]:
    """Both scores of each seed, in the suite's order; None where one of them is undefined."""
    x, y = (result.scores[metric, rule].values for metric in metrics)
    pairs = zip(x, y, strict=True)
    return [None if a is None or b is None else (a, b) for a, b in pairs]


def _volume(areas: Sequence[float], *, alpha: float, test_ratio: float) -> Estimate:
    """The estimate of a hypervolume, which is not negative."""
    return estimate(areas, alpha=alpha, test_ratio=test_ratio, bounds=(0.0, math.inf))


def _hypervolumes(
    figure: Figure, pairs: Sequence[Sequence[tuple[float, float] | None]]
) -> list[float]:
    """The hypervolume of each seed that has every point: fewer points would cover less."""
    assert figure.front is not None
    # The corner is given as scores, and higher scores must become costs like those of the points.
    corner = _costs(figure.front, reference_corner(figure))[0]
    complete = [seed for seed in zip(*pairs, strict=True) if None not in seed]
    return [hypervolume(_costs(figure.front, seed), corner) for seed in complete]


def _setting(point: Point) -> str:
    return "" if point.values[0] is None else format_value(point.values[0])


def _with_joint_front(metrics: tuple[str, str], fronts: Sequence[Front]) -> list[Front]:
    """The fronts, with the points marked that no point of any line dominates."""
    means = [[score.mean for score in point.scores] for front in fronts for point in front.points]
    joint = iter(on_front(_costs(metrics, means)).tolist())
    return [
        replace(f, points=tuple(replace(point, on_joint_front=next(joint)) for point in f.points))
        for f in fronts
    ]
