"""The baseline of a suite: the rows that `baseline:` names.

`baseline: erm` names a method with all its rows, `baseline: "vs (tau=1.25)"` or `baseline: My VS` a
row, by its name or its title. Several rows are a baseline where each has a recipe of its own: every
other row is then compared with the one under the same recipe. In a suite of one method, such as a
figure over one of its settings, all rows may be the baseline, and none is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

from evenhand.declared.notation import titled
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import Mistake, Mistakes, suggest
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.entries import pipeline_of
from evenhand.suite.entry_parts import RecipeVariant
from evenhand.suite.readable import UNREADABLE
from evenhand.suite.rows import Row


class NamedRow(NamedTuple):
    """A setting under one variant of the recipe, with the name of its row of the leaderboard."""

    row: Row
    variant: RecipeVariant
    name: str
    title: str


class Baseline(NamedTuple):
    """The baseline of a suite."""

    name: str
    """Registered name of the method, or the name as it was given."""
    rows: frozenset[str]
    """Names of its rows."""


def find_baseline(suite: SuiteDeclaration, rows: Sequence[Row]) -> Baseline | None:
    """The baseline of a suite; None if no row has the name, or several under one recipe."""
    name = pipeline_name_of(suite, suite.baseline)
    for meaning in meanings(suite, rows, suite.baseline):
        is_all = len({found.row.entry for found in meaning}) == len(suite.methods)
        if meaning and (is_all or not alike_rows(meaning)):
            return Baseline(name or suite.baseline, frozenset(found.name for found in meaning))
    return None


def check_baseline(suite: SuiteDeclaration, rows: Sequence[Row], mistakes: Mistakes) -> None:
    """Check that `baseline:` names one row, or one row for each recipe."""
    if UNREADABLE in (suite.baseline, *(entry.name for entry in suite.methods)):
        return
    pipelines = [pipeline_of(entry) for entry in suite.methods]
    if {row.entry for row in rows if row.variants} != {*range(len(suite.methods))}:
        # An entry with a mistake has no rows, and may be the one that is meant.
        labels = [entry.settings.get("as") for entry in suite.methods]
        meant = [*pipelines, *filter(None, labels)]
        if pipeline_name_of(suite, suite.baseline) in pipelines or any(
            name is None or suite.baseline.startswith(str(name)) for name in meant
        ):
            return
    if find_baseline(suite, rows) is not None:
        return
    for meaning in meanings(suite, rows, suite.baseline):
        if alike := alike_rows(meaning):
            what = f"baseline {suite.baseline!r} stands for {len(alike)} rows under one recipe"
            right = f"name one of them: {', '.join(alike)}"
            mistakes.found.append(Mistake(what, ("baseline",), right))
            return
    names = [found.name for found in named_rows(suite, rows)]
    known = list(dict.fromkeys([*filter(None, pipelines), *(row.name for row in rows)]))
    hint = suggest(suite.baseline, [*known, *names, *(e.name for e in suite.methods)]).hint
    what = f"baseline {suite.baseline!r} is not among the suite's methods and rows"
    mistakes.found.append(Mistake(what, ("baseline",), f"they are: {', '.join(known)}", hint))


def named_rows(suite: SuiteDeclaration, rows: Sequence[Row]) -> list[NamedRow]:
    """The rows with their names; those that compete under `select:` share one."""
    found = []
    for row in rows:
        for variant in row.variants:
            swept = {} if suite.select else row.swept_settings(variant)
            shown = {**row.fixed, **swept}
            names = row.name_with(shown), titled(row.title, shown)
            found.append(NamedRow(row, variant, *names))
    return found


def pipeline_name_of(suite: SuiteDeclaration, name: str) -> str | None:
    """The pipeline with this name, a method by its registered name; None for other names."""
    if name in map(pipeline_of, suite.methods):
        return name
    known: Registered | None = Mistakes().catch((), REGISTRY.get, "method", name)
    return known.name if known else None


def meanings(suite: SuiteDeclaration, rows: Sequence[Row], name: str) -> list[list[NamedRow]]:
    """The rows that a name may mean: of a method, of one row, of the rows of one entry."""
    pipeline = pipeline_name_of(suite, name)
    means: list[Callable[[NamedRow], bool]] = [
        lambda each: each.row.pipeline == pipeline,
        lambda each: name in (each.name, each.title),
        lambda each: name in (each.row.name, each.row.title),
    ]
    every = named_rows(suite, rows)
    return [[each for each in every if means_it(each)] for means_it in means]


def alike_rows(found: Sequence[NamedRow]) -> list[str]:
    """Names of those rows of which another one has the same recipe on the same problem."""
    alike = {
        name
        for one, other in combinations(found, 2)
        for name in (one.name, other.name)
        if one.name != other.name
        and one.variant.recipe == other.variant.recipe
        and one.row.problems & other.row.problems
    }
    return [name for name in dict.fromkeys(each.name for each in found) if name in alike]
