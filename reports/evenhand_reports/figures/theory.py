"""Theory beside simulation: the theoretical scores of a method along a line of a figure.

A data set that has a theory is registered with `theory=`, a function of the settings of the data
set, the name of a method and its settings. It returns expected scores by metric, as fractions, or
None where the theory does not cover the method.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from evenhand.declared.base import canonical
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Val
from evenhand.suite.figures import OF_PROBLEM
from evenhand_reports.figures.rounding import rounded
from evenhand_reports.figures.setting_lines import Point, is_number

MOST_POINTS = 40
"""Points of a smooth line, in addition to those of the simulation."""

Theory = Callable[[Mapping[str, Any], str, Mapping[str, Any]], Mapping[str, float] | None]


class TheoryArguments(NamedTuple):
    """The arguments of a theory: settings of the data set, a method and its settings."""

    dataset: Mapping[str, Any]
    method: str
    settings: Mapping[str, Any]


class TheoryLine(NamedTuple):
    """Theoretical scores at values of a setting; one list of scores for each metric."""

    values: list[Any]
    by_metric: list[list[float | None]]


def theory_line(points: Sequence[Point], name: str, metrics: Sequence[str]) -> TheoryLine | None:
    """The theory along a line over the setting `name`; None without theory.

    The line is smooth where the setting is a number of the data set or of the method and all other
    settings are equal at all points. Otherwise it has a value at each point.
    """
    if not _has_theory(points[0]):
        return None
    queries = _smooth_line(points, name) or [(p.values[0], _arguments(p)) for p in points]
    dataset = points[0].result.configuration.problem.dataset.name
    scores = [_theory_scores(dataset, json.dumps(arguments)) for _, arguments in queries]
    by_metric = [[rounded(each.get(metric)) for each in scores] for metric in metrics]
    if not all(any(score is not None for score in line) for line in by_metric):
        return None
    return TheoryLine([value for value, _ in queries], by_metric)


def _has_theory(point: Point) -> bool:
    """Whether a theory applies: it covers unmodified methods on unmodified data and inputs."""
    trial = point.result.configuration.trials[0]
    problem, recipe = trial.problem, trial.recipe
    has_plain_method = not (trial.teacher or trial.posthoc)
    has_all_data = problem.profile.name == "natural" and problem.val == Val()
    has_plain_inputs = (recipe.mean, recipe.std) == ((0.0,), (1.0,))
    has_function = _theory(problem.dataset.name) is not None
    return has_plain_method and has_all_data and has_plain_inputs and has_function


def _theory(dataset: str) -> Theory | None:
    theory: Theory | None = REGISTRY.get("dataset", dataset).facts.get("theory")
    return theory


@cache
def _theory_scores(dataset: str, arguments: str) -> Mapping[str, float]:
    """Scores by metric for arguments in JSON, cached because several figures share arguments."""
    theory = _theory(dataset)
    assert theory is not None
    return theory(*json.loads(arguments)) or {}


def _arguments(point: Point) -> TheoryArguments:
    configuration = point.result.configuration
    method = configuration.method
    return TheoryArguments(configuration.problem.dataset.settings, method.name, method.settings)


def _smooth_line(points: Sequence[Point], name: str) -> list[tuple[Any, TheoryArguments]]:
    """A grid of values with their arguments; empty where the line is not smooth."""
    arguments = [_arguments(point) for point in points]
    values = [_value(each, name) for each in arguments]
    if len(points) < 2 or not all(map(is_number, values)):
        return []
    others = {canonical(_with_value(each, name, None)._asdict()) for each in arguments}
    if len(others) > 1:
        return []
    return [(value, _with_value(arguments[0], name, value)) for value in _grid(values)]


def _value(arguments: TheoryArguments, name: str) -> Any:
    if name.startswith(OF_PROBLEM):
        return arguments.dataset.get(name.removeprefix(OF_PROBLEM))
    return arguments.settings.get(name)


def _with_value(arguments: TheoryArguments, name: str, value: Any) -> TheoryArguments:
    """The arguments with one setting replaced."""
    if name.startswith(OF_PROBLEM):
        dataset = {**arguments.dataset, name.removeprefix(OF_PROBLEM): value}
        return arguments._replace(dataset=dataset)
    return arguments._replace(settings={**arguments.settings, name: value})


def _grid(values: Sequence[int | float]) -> list[int | float]:
    """An even grid from the smallest to the largest value, which includes the values.

    The grid of integers consists of integers: a setting such as a size accepts no others.
    """
    even = np.linspace(min(values), max(values), MOST_POINTS).tolist()
    if all(isinstance(value, int) for value in values):
        return sorted({*map(round, even), *values})
    return sorted({*even, *map(float, values)})
