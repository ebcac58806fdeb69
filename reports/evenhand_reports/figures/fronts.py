"""Pareto fronts over a setting: points of a method in the plane of two metrics.

The front is of the means over seeds. The hypervolume is of each seed's own points, from the front
to a reference corner: an area in the units of both metrics as fractions, larger is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from evenhand.declared.notation import shown
from evenhand.declared.record import Rule
from evenhand.declared.registry import REGISTRY
from evenhand.metrics import better
from evenhand.suite.figures import Figure
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.setting_lines import Place, Point, families, places
from evenhand_reports.figures.setting_lines import place as of_problem
from evenhand_reports.statistics.estimate import Estimate, estimate
from evenhand_reports.statistics.pareto import hypervolume, on_front


@dataclass(frozen=True)
class Spot:
    """A point of a front: the setting in words, "" for a row without it, and both scores."""

    at: str
    scores: tuple[Estimate, Estimate]
    on_front: bool
    on_joint: bool


@dataclass(frozen=True)
class Front:
    """The points of one line of a figure at one checkpoint rule.

    colour  its place among the figure's lines
    volume  over the seeds that have every point; None where none has
    seeds   how many there should be
    keys    trials whose values are in the points
    """

    name: str
    points: tuple[Point, ...]
    spots: tuple[Spot, ...]
    colour: int
    volume: Estimate | None
    seeds: int
    keys: tuple[str, ...]

    @property
    def best(self) -> tuple[Spot, ...]:
        return tuple(spot for spot in self.spots if spot.on_front)


@dataclass(frozen=True)
class Plane:
    """A front figure on one problem, or on problems that differ in what it goes over.

    metrics    both, and their titles
    reference  the corner that hypervolumes are measured to
    """

    figure: Figure
    place: str
    metrics: tuple[str, str]
    titles: tuple[str, str]
    reference: tuple[float, float]
    fronts: tuple[Front, ...]


def planes(board: Leaderboard, rule: Rule) -> list[Plane]:
    """Every front of the suite: those over problems first, then problem by problem."""
    found = []
    for figure in (f for f in board.suite.figures if f.front):
        if figure.of_problems:
            there = list(places(board, figure))
        else:
            there = [of_problem(board, figure, problem) for problem in board.problems]
        found += [plane(board, figure, each, rule) for each in there]
    return [each for each in found if each.fronts]


def plane(board: Leaderboard, figure: Figure, place: Place, rule: Rule) -> Plane:
    """The fronts of one figure at one rule; lines without a whole point are left out."""
    assert figure.front is not None
    x, y = figure.front
    reference = reference_of(figure)
    lines = families(figure, place.standings, singles=True)
    found = [
        _front(board, figure, (name, points), rule=rule, colour=i)
        for i, (name, points) in enumerate(lines.items())
    ]
    fronts = _with_joint(figure.front, [front for front in found if front.spots])
    titles = board.metrics[x], board.metrics[y]
    return Plane(figure, place.name, figure.front, titles, reference, tuple(fronts))


def reference_of(figure: Figure) -> tuple[float, float]:
    """As the suite says; else the worst score of either metric, 1 for what should be low."""
    assert figure.front is not None
    if figure.reference:
        return figure.reference
    x, y = (_worst(metric) for metric in figure.front)
    return x, y


def _worst(metric: str) -> float:
    usual = 1.0 if better(metric) == "lower" else 0.0
    return float(REGISTRY.get("metric", metric).facts.get("worst", usual))


def is_signed(metric: str) -> bool:
    """Whether a metric is best at 0 and may be below it."""
    return bool(REGISTRY.get("metric", metric).facts.get("signed", False))


def _costs(metrics: tuple[str, str], scores: Any) -> Float[np.ndarray, "points 2"]:
    """Scores as what should be low in both metrics; of a signed one, best at 0, its size."""
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
    known = [
        (point, (one, other))
        for point in points
        if (one := point.standing.scores[x, rule].estimate) is not None
        and (other := point.standing.scores[y, rule].estimate) is not None
    ]
    best = on_front(_costs(figure.front, [[one.mean, other.mean] for _, (one, other) in known]))
    runs = [_runs(figure.front, point.standing, rule) for point in points]
    areas = _areas(figure, runs)
    return Front(
        name=name,
        points=tuple(point for point, _ in known),
        spots=tuple(
            Spot(_at(point), scores, on_front=bool(is_best), on_joint=False)
            for (point, scores), is_best in zip(known, best, strict=True)
        ),
        colour=colour,
        volume=estimate(areas, alpha=board.suite.alpha) if areas else None,
        seeds=len(points[0].standing.records),
        keys=tuple(
            trial.key
            for point, pairs in zip(points, runs, strict=True)
            for trial, pair in zip(point.standing.configuration.trials, pairs, strict=True)
            if pair is not None
        ),
    )


def _runs(
    metrics: tuple[str, str], standing: Standing, rule: Rule
) -> list[tuple[float, float] | None]:
    """Both scores of each seed, in the suite's order; None where one of them is lacking."""
    x, y = (standing.scores[metric, rule].values for metric in metrics)
    pairs = zip(x, y, strict=True)
    return [None if a is None or b is None else (a, b) for a, b in pairs]


def _areas(figure: Figure, runs: Sequence[Sequence[tuple[float, float] | None]]) -> list[float]:
    """The hypervolume of each seed that has every point: fewer points would cover less."""
    assert figure.front is not None
    corner = _costs(figure.front, reference_of(figure))[0]
    whole = [seed for seed in zip(*runs, strict=True) if None not in seed]
    return [hypervolume(_costs(figure.front, seed), corner) for seed in whole]


def _at(point: Point) -> str:
    return "" if point.at[0] is None else shown(point.at[0])


def _with_joint(metrics: tuple[str, str], fronts: Sequence[Front]) -> list[Front]:
    """Each with those of its points marked that no point of any line dominates."""
    every = [[score.mean for score in spot.scores] for front in fronts for spot in front.spots]
    joint = iter(on_front(_costs(metrics, every)).tolist())
    return [
        replace(front, spots=tuple(replace(spot, on_joint=next(joint)) for spot in front.spots))
        for front in fronts
    ]
