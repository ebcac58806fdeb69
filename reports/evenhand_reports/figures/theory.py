"""Theory beside simulation: what the theory of a data set says of a method, along a figure's line.

A data set that has one is registered with `theory=`: called with the settings of the data set, the
name of a method and its settings, it says by metric what to expect, in fractions; None where it
does not know.
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
from evenhand_reports.figures.recall_and_curves import DIGITS
from evenhand_reports.figures.setting_lines import Point, is_number

MOST_POINTS = 40
"""Of a smooth line, beside those where it meets the simulation."""

Theory = Callable[[Mapping[str, Any], str, Mapping[str, Any]], Mapping[str, float] | None]


class Setting(NamedTuple):
    """What a theory is asked for: settings of the data set, a method and its settings."""

    dataset: Mapping[str, Any]
    method: str
    settings: Mapping[str, Any]


def along(points: Sequence[Point], name: str, metrics: Sequence[str]) -> dict[str, Any] | None:
    """{at, values: one list a metric} along a line over the setting of a name; None without theory.

    The line is smooth where the setting is a number of the data set or of the method and all else
    is the same at all points; else it has a value at each of them.
    """
    if not _has_theory(points[0]):
        return None
    asked = _between(points, name) or [(point.at[0], _setting(point)) for point in points]
    of = points[0].standing.configuration.problem.dataset.name
    found = [_said(of, json.dumps(setting)) for _, setting in asked]
    values = [[_known(each.get(metric)) for each in found] for metric in metrics]
    if not all(any(v is not None for v in line) for line in values):
        return None
    return {"at": [at for at, _ in asked], "values": values}


def _has_theory(point: Point) -> bool:
    """Theory is of a method as it is, on a data set and its inputs as they are."""
    trial = point.standing.configuration.trials[0]
    problem, recipe = trial.problem, trial.recipe
    is_plain = not (trial.teacher or trial.posthoc)
    is_whole = problem.profile.name == "natural" and problem.val == Val()
    is_as_drawn = (recipe.mean, recipe.std) == ((0.0,), (1.0,))
    known = _theory(problem.dataset.name) is not None
    return is_plain and is_whole and is_as_drawn and known


def _theory(dataset: str) -> Theory | None:
    found: Theory | None = REGISTRY.get("dataset", dataset).facts.get("theory")
    return found


@cache
def _said(dataset: str, setting: str) -> Mapping[str, float]:
    """What the theory of a data set says of a setting in JSON: several figures ask alike."""
    theory = _theory(dataset)
    assert theory is not None
    return theory(*json.loads(setting)) or {}


def _setting(point: Point) -> Setting:
    cell = point.standing.configuration
    return Setting(cell.problem.dataset.settings, cell.method.name, cell.method.settings)


def _between(points: Sequence[Point], name: str) -> list[tuple[Any, Setting]]:
    """What to ask for between the ends of a line; nothing where that is not one line."""
    settings = [_setting(point) for point in points]
    ends = [_given(setting, name) for setting in settings]
    if len(points) < 2 or not all(map(is_number, ends)):
        return []
    alike = {canonical(_at(setting, name, None)._asdict()) for setting in settings}
    if len(alike) > 1:
        return []
    return [(at, _at(settings[0], name, at)) for at in _smooth(ends)]


def _given(setting: Setting, name: str) -> Any:
    if name.startswith(OF_PROBLEM):
        return setting.dataset.get(name.removeprefix(OF_PROBLEM))
    return setting.settings.get(name)


def _at(setting: Setting, name: str, value: Any) -> Setting:
    """With one of its settings replaced."""
    if name.startswith(OF_PROBLEM):
        return setting._replace(dataset={**setting.dataset, name.removeprefix(OF_PROBLEM): value})
    return setting._replace(settings={**setting.settings, name: value})


def _smooth(ends: Sequence[int | float]) -> list[int | float]:
    """Values from the smallest to the largest, those given among them; of whole numbers, such."""
    low, high = min(ends), max(ends)
    even = np.linspace(low, high, MOST_POINTS).tolist()
    if all(isinstance(value, int) for value in ends):
        return sorted({*map(round, even), *ends})
    return sorted({*even, *map(float, ends)})


def _known(value: float | None) -> float | None:
    return round(float(value), DIGITS) if value is not None and np.isfinite(value) else None
