"""Hypervolumes in long form, one per line, for other programs. Scores are fractions."""

from __future__ import annotations

from dataclasses import dataclass

from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.fronts import Front, FrontSet, all_front_sets
from evenhand_reports.formats.long_form import csv_of


@dataclass(frozen=True)
class Line:
    """The front of one line of a figure at one checkpoint rule; None where a value is undefined."""

    suite: str
    version: int
    edition: str
    title: str
    problem: str
    """The problem, or what several problems have in common."""

    x: str
    y: str
    reference_x: float
    reference_y: float
    over: str
    """The setting that the front goes over."""

    rule: str
    points: int
    """Number of values of the setting."""

    front: str
    """Values of the setting that are on the front, separated by spaces."""

    on_joint_front: int
    n: int
    seeds: int
    hypervolume: float | None
    sd: float | None
    low: float | None
    high: float | None
    level: float
    keys: str
    """Trials whose values are in the points, as `evenhand show` takes them."""


def csv_text(board: Leaderboard) -> str:
    """Comma-separated values with one header line; "" for a suite without fronts."""
    lines = [
        _line(board, fronts, front, rule)
        for rule in RULES
        for fronts in all_front_sets(board, rule)
        for front in fronts.fronts
    ]
    return csv_of(Line, lines) if lines else ""


def _line(board: Leaderboard, fronts: FrontSet, front: Front, rule: Rule) -> Line:
    suite, volume = board.suite, front.volume
    interval = volume.interval if volume else None
    return Line(
        suite=suite.suite,
        version=suite.version,
        edition=board.edition,
        title=front.name,
        problem=fronts.scope,
        x=fronts.metrics[0],
        y=fronts.metrics[1],
        reference_x=fronts.reference[0],
        reference_y=fronts.reference[1],
        over=str(fronts.figure.over),
        rule=rule,
        points=len(front.points),
        front=" ".join(point.setting for point in front.best),
        on_joint_front=sum(point.on_joint_front for point in front.points),
        n=volume.n if volume else 0,
        seeds=front.seeds,
        hypervolume=volume.mean if volume else None,
        sd=volume.sd if volume else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        level=1 - suite.alpha,
        keys=" ".join(front.keys),
    )
