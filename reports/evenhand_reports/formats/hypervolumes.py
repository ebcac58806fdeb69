"""Hypervolumes in long form, one a line: for machines. Scores are fractions here."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields

from evenhand.declared.record import RULES, Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.figures.fronts import Front, Plane, planes


@dataclass(frozen=True)
class Line:
    """The front of one line of a figure at one checkpoint rule. What does not exist is None.

    problem  or what several have in common, where the front goes over problems
    over     the setting; points is how many values of it, front which of them are on the front
    keys     trials whose values are in the points, as `evenhand show` takes them, space-separated
    """

    suite: str
    version: int
    edition: str
    title: str
    problem: str
    x: str
    y: str
    reference_x: float
    reference_y: float
    over: str
    rule: str
    points: int
    front: str
    on_joint_front: int
    n: int
    seeds: int
    hypervolume: float | None
    sd: float | None
    low: float | None
    high: float | None
    level: float
    keys: str


def csv_text(board: Leaderboard) -> str:
    """Comma-separated with one header line; "" for a suite without fronts."""
    found = [
        _line(board, plane, front, rule)
        for rule in RULES
        for plane in planes(board, rule)
        for front in plane.fronts
    ]
    if not found:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [f.name for f in fields(Line)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(line) for line in found)
    return stream.getvalue()


def _line(board: Leaderboard, plane: Plane, front: Front, rule: Rule) -> Line:
    suite, volume = board.suite, front.volume
    interval = volume.interval if volume else None
    return Line(
        suite=suite.suite,
        version=suite.version,
        edition=board.edition,
        title=front.name,
        problem=plane.place,
        x=plane.metrics[0],
        y=plane.metrics[1],
        reference_x=plane.reference[0],
        reference_y=plane.reference[1],
        over=str(plane.figure.over),
        rule=rule,
        points=len(front.spots),
        front=" ".join(spot.at for spot in front.best),
        on_joint_front=sum(spot.on_joint for spot in front.spots),
        n=volume.n if volume else 0,
        seeds=front.seeds,
        hypervolume=volume.mean if volume else None,
        sd=volume.sd if volume else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        level=1 - suite.alpha,
        keys=" ".join(front.keys),
    )
