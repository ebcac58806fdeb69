"""Checks of a suite's figures: their methods, settings, metrics and series exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from evenhand.declared.base import Spec, canonical
from evenhand.declared.recipe import Recipe
from evenhand.declared.trial import Problem
from evenhand.errors import KeyPath, Mistake, Mistakes, suggest
from evenhand.metrics import unit
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.figures import (
    BOUND,
    LIPSCHITZ,
    MIN_SCORE,
    OF_CLASSES,
    OF_PROBLEM,
    OF_TRAIN,
    Figure,
    coordinate,
    series_of,
    settings_of,
    unit_of,
    without_settings,
)
from evenhand.suite.recipes import FIELDS
from evenhand.suite.rows import Row


class _Drawn(NamedTuple):
    """The rows and problems of a figure."""

    rows: Sequence[Row]
    """Rows that its globs match."""
    problems: Sequence[Problem]
    """Problems of the suite."""


def check_figures(
    suite: SuiteDeclaration, rows: Sequence[Row], problems: Sequence[Problem], mistakes: Mistakes
) -> None:
    """Collect the mistakes of all figures, each with the path of its key."""
    for i, figure in enumerate(suite.figures if rows else ()):
        where: KeyPath = ("figures", i)
        names = [(row, _names(row, is_chosen=suite.select is not None)) for row in rows]
        drawn = [row for row, called in names if any(map(figure.is_about, called))]
        every = list(dict.fromkeys(name for _, called in names for name in called))
        mistakes.found += _methods(figure, every, where)
        mistakes.found += _settings(suite, figure, _Drawn(drawn, problems), where) if drawn else []
        for key, metric in figure.metrics.items():
            if metric not in suite.metrics:
                said = suggest(metric, suite.metrics, "metric")
                what = f"{key[0]} = {metric!r} is not among the suite's metrics"
                mistakes.found.append(Mistake(what, (*where, *key), said.right, said.hint))
            elif unit(metric) != "%":
                shown = "has no unit" if unit(metric) == "1" else f"is in {unit(metric)}"
                what = f"{key[0]} = {metric!r} {shown}, and the axes of figures are in percent"
                mistakes.found.append(Mistake(what, (*where, *key), "draw another metric"))
        if figure.curves and drawn:
            mistakes.found += _curves(figure, drawn, (*where, "curves"))
        if figure.y_series and drawn:
            recipes = [variant.recipe for row in drawn for variant in row.variants]
            mistakes.found += _one_series("y", figure.y_series, recipes, (*where, "y"))


def _names(row: Row, *, is_chosen: bool) -> list[str]:
    """Names by which a glob can match a row: its method, its name, and its name with settings.

    is_chosen  whether one of its settings is chosen, so that the name is without settings
    """
    settings = [{}] if is_chosen else [row.swept_settings(variant) for variant in row.variants]
    own = [row.pipeline, row.name]
    return [*own, *(row.name_with({**row.fixed, **swept}) for swept in settings)]


def _methods(figure: Figure, names: Sequence[str], where: KeyPath) -> list[Mistake]:
    found = []
    for i, glob in enumerate(figure.methods):
        if not any(fnmatchcase(name, glob) for name in names):
            said = suggest(glob, names, "method")
            what = f"methods: no row of this suite is called {glob!r}"
            found.append(Mistake(what, (*where, "methods", i), said.right, said.hint))
    return found


def _settings(
    suite: SuiteDeclaration, figure: Figure, drawn: _Drawn, where: KeyPath
) -> list[Mistake]:
    found: list[Mistake] = []
    for key, name in figure.settings.items():
        if name.startswith(OF_PROBLEM):
            found += _of_problems(figure, key, drawn.problems, where)
        else:
            found += _of_rows(suite, key, name, drawn, where)
    return found


def _of_rows(
    suite: SuiteDeclaration, key: str, name: str, drawn: _Drawn, where: KeyPath
) -> Iterator[Mistake]:
    known = list(dict.fromkeys(name for row in drawn.rows for name in row.part.settings))
    values = {canonical({"value": value}) for value in _values(drawn.rows, name)}
    if name not in known and name not in FIELDS:
        in_problem = f"{OF_PROBLEM}{name}"
        has_it = any(in_problem in settings_of(problem) for problem in drawn.problems)
        of_problems = [in_problem] if has_it else []
        said = suggest(name, [*known, *of_problems], "setting")
        what = f"{key} = {name!r} is not a setting of the methods in this figure"
        hint = f"did you mean {in_problem!r}?" if of_problems else said.hint
        yield Mistake(what, (*where, key), said.right, hint)
    elif suite.select is not None:
        what = f"{key} = {name!r}: `select:` keeps one setting of each row"
        yield Mistake(what, (*where, key), "draw figures over settings in a suite without it")
    elif len(values) < 2:
        what = f"{key} = {name!r} has one value in this suite"
        yield Mistake(what, (*where, key), f"write e.g. `{name}: {{grid: […]}}`")


def _values(rows: Sequence[Row], name: str) -> list[object]:
    recipes = [(row.part, variant.recipe) for row in rows for variant in row.variants]
    found = [coordinate(part.settings, recipe, None, name) for part, recipe in recipes]
    return [v.model_dump(mode="json") if isinstance(v, Spec) else v for v in found if v is not None]


def _of_problems(
    figure: Figure, key: str, problems: Sequence[Problem], where: KeyPath
) -> Iterator[Mistake]:
    name = figure.settings[key]
    having = [(p, value) for p in problems if (value := settings_of(p).get(name)) is not None]
    if not having:
        known = list(dict.fromkeys(n for p in problems for n, v in settings_of(p).items() if v))
        said = suggest(name, known, "problem setting")
        yield Mistake(f"{key} = {name!r}: no problem has it", (*where, key), said.right, said.hint)
        return
    alike: dict[str, set[str]] = {}
    for problem, value in having:
        rest = canonical(without_settings(problem, figure.of_problems))
        alike.setdefault(rest, set()).add(canonical({"value": value}))
    if max(map(len, alike.values())) < 2:
        one = len({canonical({"value": value}) for _, value in having}) == 1
        what = "all problems have one value" if one else "no two problems differ in it alone"
        own = name.removeprefix(OF_PROBLEM)
        right = f"write e.g. `{own}: {{grid: […]}}` in a problem"
        yield Mistake(f"{key} = {name!r}: {what}", (*where, key), right)


def _curves(figure: Figure, rows: Sequence[Row], where: KeyPath) -> Iterator[Mistake]:
    recipes: list[Recipe] = [variant.recipe for row in rows for variant in row.variants]
    for i, series in enumerate(figure.series):
        at: KeyPath = where if isinstance(figure.curves, str) else (*where, i)
        yield from _one_series("curves", series, recipes, at)
    if len(set(map(unit_of, figure.series))) > 1:
        what = f"curves: {', '.join(figure.series)} have different units"
        yield Mistake(what, where, "draw them in separate figures")


def _one_series(
    key: str, series: str, recipes: Sequence[Recipe], where: KeyPath
) -> Iterator[Mistake]:
    """The mistake that no record holds a series, or not under every recipe."""
    known = list(dict.fromkeys(s for recipe in recipes for s in series_of(recipe.best_by)))
    is_class = any(series.removeprefix(prefix).isdecimal() for prefix in OF_CLASSES)
    if series not in known and not is_class:
        said = suggest(series, known, "curve")
        yield Mistake(f"{key} = {series!r}: records hold no such series", where, *said)
        return
    of_bound = series.startswith((BOUND, MIN_SCORE, LIPSCHITZ))
    of_train = series.startswith(OF_TRAIN) and series != "train_loss"
    field = "bound_terms" if of_bound else "evaluate_train"
    if of_train and not all(getattr(recipe, field) for recipe in recipes):
        what = f"{key} = {series!r} is not measured under every recipe"
        added = "evaluate_train: true, bound_terms: true" if of_bound else "evaluate_train: true"
        yield Mistake(what, where, f"add `{added}` to the recipe")
