"""What must hold of a suite's figures: what they name is there, and measured."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from harness.errors import Mistake, Mistakes, suggest
from harness.spec.base import canonical
from harness.spec.figures import RECALL, Figure, coordinate, series_of
from harness.spec.recipes import FIELDS
from harness.spec.rows import Row
from harness.spec.suite import Suite
from harness.spec.trial import Recipe
from harness.spec.yaml_lines import Where


def check_figures(suite: Suite, rows: Sequence[Row], mistakes: Mistakes) -> None:
    """What is wrong goes to the mistakes, with the key that says it."""
    for i, figure in enumerate(suite.figures if rows else ()):
        where: Where = ("figures", i)
        names = [(row, _names(row, is_chosen=suite.select is not None)) for row in rows]
        drawn = [row for row, called in names if any(map(figure.is_about, called))]
        every = list(dict.fromkeys(name for _, called in names for name in called))
        mistakes.found += _methods(figure, every, where)
        mistakes.found += _settings(suite, figure, drawn, where) if drawn else []
        for key, metric in figure.metric.items():
            if metric not in suite.metrics:
                said = suggest(metric, suite.metrics, "metric")
                what = f"{key} = {metric!r} is not among the suite's metrics"
                mistakes.found.append(Mistake(what, (*where, key), said.right, said.hint))
        if figure.curves and drawn:
            mistakes.found += _curves(figure.curves, drawn, (*where, "curves"))


def _names(row: Row, *, is_chosen: bool) -> list[str]:
    """What a row goes by: its method, what the suite calls it, and its own name.

    is_chosen  whether one of its settings is chosen, which its name then does not say
    """
    settings = [{}] if is_chosen else [row.apart(variant) for variant in row.variants]
    own = [row.made, row.name]
    return [*own, *(row.called({**row.fixed, **apart}) for apart in settings)]


def _methods(figure: Figure, names: Sequence[str], where: Where) -> list[Mistake]:
    found = []
    for i, glob in enumerate(figure.methods):
        if not any(fnmatchcase(name, glob) for name in names):
            said = suggest(glob, names, "method")
            what = f"methods: no row of this suite is called {glob!r}"
            found.append(Mistake(what, (*where, "methods", i), said.right, said.hint))
    return found


def _settings(suite: Suite, figure: Figure, rows: Sequence[Row], where: Where) -> list[Mistake]:
    found = []
    known = list(dict.fromkeys(name for row in rows for name in row.part.settings))
    for key, name in figure.settings.items():
        values = {canonical({"value": value}) for value in _values(rows, name)}
        if name not in known and name not in FIELDS:
            said = suggest(name, known, "setting")
            what = f"{key} = {name!r} is no setting of the methods that are drawn"
            found.append(Mistake(what, (*where, key), said.right, said.hint))
        elif suite.select is not None:
            what = f"{key} = {name!r}: `select:` leaves each row one setting on test data"
            found.append(Mistake(what, (*where, key), "draw settings in a suite without `select:`"))
        elif len(values) < 2:
            what = f"{key} = {name!r} has one value in this suite"
            found.append(Mistake(what, (*where, key), f"write e.g. `{name}: {{grid: […]}}`"))
    return found


def _values(rows: Sequence[Row], name: str) -> list[object]:
    recipes = [(row.part, variant.recipe) for row in rows for variant in row.variants]
    found = [coordinate(part.settings, recipe, name) for part, recipe in recipes]
    return [
        v.model_dump(mode="json") if hasattr(v, "model_dump") else v for v in found if v is not None
    ]


def _curves(series: str, rows: Sequence[Row], where: Where) -> list[Mistake]:
    recipes: list[Recipe] = [variant.recipe for row in rows for variant in row.variants]
    known = list(dict.fromkeys(s for recipe in recipes for s in series_of(recipe.best_by)))
    label = series.removeprefix(RECALL)
    is_class = series.startswith(RECALL) and label.isdecimal()
    if series not in known and not is_class:
        said = suggest(series, known, "curve")
        return [Mistake(f"curves = {series!r}: records hold no such series", where, *said)]
    of_train = series.startswith("train_") and series != "train_loss"
    if of_train and not all(recipe.evaluate_train for recipe in recipes):
        what = f"curves = {series!r} is not measured under every recipe"
        return [Mistake(what, where, "add `evaluate_train: true` to the recipe")]
    return []
