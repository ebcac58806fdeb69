"""The lines of a suite's figures: results that differ only in the settings of the figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from evenhand.declared.base import canonical
from evenhand.declared.notation import format_settings, format_value, titled
from evenhand.suite.figures import OF_PROBLEM, Figure, coordinate, problem_setting, without_settings
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.figures.rounding import DIGITS
from evenhand_reports.statistics.estimate import Estimate


class Point(NamedTuple):
    """A result, and the values of the settings that the figure goes over."""

    values: tuple[Any, ...]
    result: Result


class FigureScope(NamedTuple):
    """The results that one figure draws."""

    name: str
    """The problem, or what several problems have in common."""

    results: list[Result]
    is_one_problem: bool


def scope_of_problem(board: Leaderboard, figure: Figure, problem: str) -> FigureScope:
    """The rows of one problem that a figure draws."""
    results = [board.results.get((row, problem)) for row in board.rows]
    drawn = [result for result in results if result and _is_drawn(figure, result)]
    return FigureScope(problem, drawn, is_one_problem=True)


def scopes_over_problems(board: Leaderboard, figure: Figure) -> Iterator[FigureScope]:
    """One scope for each two or more problems that differ only in the settings of the figure."""
    scopes: dict[str, FigureScope] = {}
    problems: dict[str, set[str]] = {}
    for row in board.rows:
        for problem in board.problems:
            result = board.results.get((row, problem))
            if result is None or not _is_drawn(figure, result) or _lacks_setting(figure, result):
                continue
            common = without_settings(result.configuration.problem, figure.of_problems)
            key = canonical(common)
            scope = scopes.setdefault(key, FigureScope(common.name, [], is_one_problem=False))
            scope.results.append(result)
            problems.setdefault(key, set()).add(problem)
    yield from (scope for key, scope in scopes.items() if len(problems[key]) > 1)


def _is_drawn(figure: Figure, result: Result) -> bool:
    configuration = result.configuration
    names = (configuration.pipeline, configuration.method_title, configuration.row)
    return any(map(figure.is_about, names))


def _lacks_setting(figure: Figure, result: Result) -> bool:
    return any(_value(result, name) is None for name in figure.of_problems)


def _value(result: Result, name: str) -> Any:
    configuration = result.configuration
    settings = configuration.method.settings
    return coordinate(settings, configuration.recipe, configuration.problem, name)


def lines_over_settings(
    figure: Figure, results: Sequence[Result], *, with_single_points: bool = False
) -> dict[str, list[Point]]:
    """The points of each line in order, by the line's name.

    With `with_single_points`, a row without the settings is a line of one point, at None.
    """
    over = [name for key, name in figure.settings.items() if key != "by"]
    lines: dict[tuple[str, str, str], list[Point]] = {}
    labels: dict[tuple[str, str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for result in results:
        values = tuple(_value(result, name) for name in over)
        if None in values and not with_single_points:
            continue
        title, others = _title_and_other_settings(result, over)
        by = {figure.by.removeprefix(OF_PROBLEM): _value(result, figure.by)} if figure.by else {}
        key = (title, format_settings(others), format_settings(by))
        lines.setdefault(key, []).append(Point(values, result))
        labels[key] = (others, by)
    variants: dict[str, set[str]] = {}
    for title, other_settings, _ in lines:
        variants.setdefault(title, set()).add(other_settings)
    named = {}
    for key, points in lines.items():
        distinguishing, by_values = labels[key]
        # Settings that all lines of a method share would make every name longer.
        shown_settings = distinguishing if len(variants[key[0]]) > 1 else {}
        named[titled(key[0], {**shown_settings, **by_values})] = _ordered(points)
    return named


def _title_and_other_settings(result: Result, over: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The title of a row's line, and the settings beside the figure's that distinguish the row.

    A setting that `select:` chose on each problem does not make a row of its own.
    """
    configuration = result.configuration
    if result.choice:
        return configuration.title, {}
    varied = configuration.varied.items()
    others = {k: v for k, v in varied if k.removeprefix("recipe.") not in over}
    return configuration.method_title, others


def _ordered(points: Sequence[Point]) -> list[Point]:
    """Points by their numbers; in the suite's order where a value is not a number."""
    numeric = all(is_number(value) for point in points for value in point.values)
    return sorted(points, key=lambda p: p.values) if numeric else list(points)


def ramp_size(figure: Figure, results: Sequence[Result]) -> int:
    """Number of lines in a colour ramp: lines at increasing numbers of `by`; otherwise 0."""
    if figure.by is None or len(results) < 2:
        return 0
    values = [problem_setting(result.configuration.problem, figure.by) for result in results]
    is_ramp = all(map(is_number, values)) and sorted(set(values)) == values
    return len(results) if is_ramp else 0


def is_number(value: Any) -> bool:
    """Whether a value has a place on an axis of numbers; a bool has none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def on_axis(value: Any) -> Any:
    """A number unchanged, any other value as text."""
    return value if is_number(value) else format_value(value)


def mean_and_interval(scores: Sequence[Estimate]) -> dict[str, list[float | None]]:
    """Means, both ends of the intervals, and n, rounded for a figure."""
    ends = [score.interval for score in scores]
    return {
        "mean": [round(score.mean, DIGITS) for score in scores],
        "low": [round(end.low, DIGITS) if end else None for end in ends],
        "high": [round(end.high, DIGITS) if end else None for end in ends],
        "n": [score.n for score in scores],
    }
