"""The lines of a suite's figures: points of a family that differ in the figure's settings alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evenhand.declared.base import canonical
from evenhand.declared.notation import in_print, listed, shown
from evenhand.suite.figures import OF_PROBLEM, Figure, apart_from, coordinate
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.recall_and_curves import DIGITS
from evenhand_reports.statistics.estimate import Estimate


class Point(NamedTuple):
    """A row on a problem, and where it stands on the settings that the figure goes over."""

    at: tuple[Any, ...]
    standing: Standing


class Place(NamedTuple):
    """What one figure draws: standings of one problem, or of problems that differ in what the
    figure goes over; name is the problem's, or what those have in common."""

    name: str
    standings: list[Standing]
    is_one: bool


def place(board: Leaderboard, figure: Figure, problem: str) -> Place:
    """The rows of one problem that a figure draws."""
    there = [board.standings.get((row, problem)) for row in board.rows]
    return Place(problem, [s for s in there if s and _is_drawn(figure, s)], is_one=True)


def places(board: Leaderboard, figure: Figure) -> Iterator[Place]:
    """One for problems that are alike but for what the figure goes over; of two at least."""
    alike: dict[str, Place] = {}
    names: dict[str, set[str]] = {}
    for row in board.rows:
        for problem in board.problems:
            standing = board.standings.get((row, problem))
            if standing is None or not _is_drawn(figure, standing) or _lacks(figure, standing):
                continue
            rest = apart_from(standing.configuration.problem, figure.of_problems)
            key = canonical(rest)
            alike.setdefault(key, Place(rest.name, [], is_one=False)).standings.append(standing)
            names.setdefault(key, set()).add(problem)
    yield from (found for key, found in alike.items() if len(names[key]) > 1)


def _is_drawn(figure: Figure, standing: Standing) -> bool:
    cell = standing.configuration
    return any(map(figure.is_about, (cell.pipeline, cell.method_title, cell.row)))


def _lacks(figure: Figure, standing: Standing) -> bool:
    return any(_value(standing, name) is None for name in figure.of_problems)


def _value(standing: Standing, name: str) -> Any:
    cell = standing.configuration
    return coordinate(cell.method.settings, cell.recipe, cell.problem, name)


def families(
    figure: Figure, standings: Sequence[Standing], *, singles: bool = False
) -> dict[str, list[Point]]:
    """The points of each line, by its name, in their order.

    singles  rows without the settings are lines of one point, at None
    """
    over = [name for key, name in figure.settings.items() if key != "by"]
    lines: dict[tuple[str, str, str], list[Point]] = {}
    said: dict[tuple[str, str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for standing in standings:
        at = tuple(_value(standing, name) for name in over)
        if None in at and not singles:
            continue
        family, others = _apart(standing, over)
        by = {figure.by.removeprefix(OF_PROBLEM): _value(standing, figure.by)} if figure.by else {}
        key = (family, listed(others), listed(by))
        lines.setdefault(key, []).append(Point(at, standing))
        said[key] = (others, by)
    settings: dict[str, set[str]] = {}
    for family, others_in_words, _ in lines:
        settings.setdefault(family, set()).add(others_in_words)
    return {
        in_print(key[0], {**(said[key][0] if len(settings[key[0]]) > 1 else {}), **said[key][1]}): (
            ordered(points)
        )
        for key, points in lines.items()
    }


def _apart(standing: Standing, over: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The family of a row, and what beside the figure's settings tells it from others of it.

    What `select:` chose on each problem is no row of its own.
    """
    cell = standing.configuration
    if standing.choice:
        return cell.title, {}
    apart = cell.varied.items()
    return cell.method_title, {k: v for k, v in apart if k.removeprefix("recipe.") not in over}


def ordered(points: Sequence[Point]) -> list[Point]:
    """By their numbers, or as the suite has them."""
    numeric = all(is_number(value) for point in points for value in point.at)
    return sorted(points, key=lambda p: p.at) if numeric else list(points)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def on_axis(value: Any) -> Any:
    """A number as it is, anything else in words."""
    return value if is_number(value) else shown(value)


def spread(scores: Sequence[Estimate]) -> dict[str, list[float | None]]:
    """Means and both ends of their intervals, as few digits as a figure shows."""
    ends = [score.interval for score in scores]
    return {
        "mean": [round(score.mean, DIGITS) for score in scores],
        "low": [round(end.low, DIGITS) if end else None for end in ends],
        "high": [round(end.high, DIGITS) if end else None for end in ends],
        "n": [score.n for score in scores],
    }
