"""A suite, resolved: every trial it asks for, laid out in the cells of its leaderboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from harness.errors import Mistake, Mistakes, SpecError, suggest
from harness.spec.base import Part, call, plain
from harness.spec.expand import expand, marked
from harness.spec.problems import has_validation, resolve_problem
from harness.spec.recipes import resolve_recipe
from harness.spec.registry import REGISTRY, Entry
from harness.spec.salvage import UNREAD, salvage
from harness.spec.suite import Named, Suite, find, load
from harness.spec.trial import Problem, Recipe, Trial
from harness.spec.yaml_lines import Document, Where


@dataclass(frozen=True)
class Cell:
    """One setting of a method under one recipe on one problem, over all seeds.

    row      the leaderboard row it belongs to, e.g. `vs` or `vs(tau=1.25)`. Where the suite says
             `select:`, all settings of one method entry share a row and compete for it.
    title    the row's name in print, e.g. `VS+TLA+ADRW`
    setting  what sets this cell apart from others of its row, e.g. `tau=1.25, gamma=0.3`; may be ""
    trials   one a seed, in the order of the suite's seeds
    """

    row: str
    title: str
    setting: str
    method: Part
    problem: Problem
    recipe: Recipe
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Resolved:
    """A suite and all its cells, in the suite's order (method entry, then problem).

    source  what the user calls the suite: its path, or its name where it comes with the package
    """

    suite: Suite
    cells: tuple[Cell, ...]
    source: str = ""

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """Every distinct trial by key; cells may share trials."""
        return {trial.key: trial for cell in self.cells for trial in cell.trials}

    @cached_property
    def rows(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.row for cell in self.cells))

    @cached_property
    def problems(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(cell.problem.name for cell in self.cells))


@dataclass(frozen=True)
class _Row:
    """One setting of one method entry, before it meets problems and recipes.

    fixed    settings that tell entries of one method apart
    differs  settings that a grid or a draw tells apart within the entry
    """

    part: Part
    title: str
    fixed: Mapping[str, Any]
    differs: Mapping[str, Any]


@dataclass(frozen=True)
class _Variant:
    """One setting of the recipe, and what tells it apart from the others."""

    recipe: Recipe
    differs: Mapping[str, Any]


class _Parts(NamedTuple):
    problems: list[Problem]
    rows: list[_Row]
    recipes: list[_Variant]


def open_suite(name: str) -> Resolved:
    """The suite at a path, or the shipped one of that name. Raises `SpecError`: every mistake."""
    document = find(name)
    try:
        suite = load(document)
    except SpecError as error:
        mistakes = Mistakes(list(error.mistakes))
        if (readable := salvage(document)) is not None:
            _parts(readable, mistakes)
        raise document.error(mistakes.found) from None
    return resolve(suite, document, source=name)


def resolve(suite: Suite, document: Document, *, source: str = "") -> Resolved:
    """Every cell of a suite. Raises `SpecError` with the place of each mistake."""
    mistakes = Mistakes()
    parts = _parts(suite, mistakes)
    if mistakes.found:
        raise document.error(mistakes.found)
    cells = tuple(
        _cell(suite, row, problem, variant)
        for row in parts.rows
        for problem in parts.problems
        for variant in parts.recipes
    )
    baseline = REGISTRY.get("method", suite.baseline).name
    return Resolved(suite.model_copy(update={"baseline": baseline}), cells, source)


def _parts(suite: Suite, mistakes: Mistakes) -> _Parts:
    """What cells are made of; what is wrong goes to the mistakes."""
    seed = f"{suite.suite}/{suite.version}"
    problems = _problems(suite, seed, mistakes)
    rows = _all_rows(suite, seed, mistakes)
    recipes = _recipes(suite.recipe, seed, mistakes)
    _check_metrics(suite, mistakes)
    _check_baseline(suite, mistakes)
    _check_validation(suite, problems, mistakes)
    return _Parts(problems, rows, recipes)


def _cell(suite: Suite, row: _Row, problem: Problem, variant: _Variant) -> Cell:
    apart = {**row.differs, **variant.differs}
    shown = {**row.fixed} if suite.select else {**row.fixed, **apart}
    in_print = ", ".join(f"{k}={plain(v)}" for k, v in shown.items())
    return Cell(
        row=call(row.part.name, shown),
        title=f"{row.title} ({in_print})" if in_print else row.title,
        setting=", ".join(f"{k}={plain(v)}" for k, v in apart.items()),
        method=row.part,
        problem=problem,
        recipe=variant.recipe,
        trials=tuple(
            Trial(
                problem=problem,
                method=row.part,
                recipe=variant.recipe,
                seed=seed,
                vary=suite.vary,
            )
            for seed in suite.seeds
        ),
    )


def _all_rows(suite: Suite, seed: str, mistakes: Mistakes) -> list[_Row]:
    rows: list[_Row] = []
    for i in range(len(suite.methods)):
        seen = [row.part for row in rows]
        rows += _rows(suite, i, seed, mistakes)
        twice = [row.part for row in rows[len(seen) :] if row.part in seen]
        mistakes.found += [Mistake(f"{p} stands here twice", ("methods", i)) for p in twice]
    return rows


def _rows(suite: Suite, index: int, seed: str, mistakes: Mistakes) -> list[_Row]:
    entry = suite.methods[index]
    if entry.name == UNREAD:
        return []
    where: Where = ("methods", index, entry.name)
    registered = mistakes.catch(where, REGISTRY.get, "method", entry.name)
    name = registered.name if registered else entry.name
    settings = mistakes.catch(where, expand, entry.settings, seed=f"{seed}/{name}")
    if registered is None or settings is None:
        return []
    multiplied = _multiplied(entry) if len(settings) > 1 else set()
    alike = [other for other in suite.methods if _registered_name(other) == registered.name]
    rows = []
    for given in settings:
        part = mistakes.catch(where, registered.resolve, given)
        if part is None:
            # Every setting of the grid would repeat the same mistake.
            break
        fixed = {k: v for k, v in part.settings.items() if k in entry.settings}
        rows.append(
            _Row(
                part=part,
                title=registered.title,
                fixed={k: v for k, v in fixed.items() if len(alike) > 1 and k not in multiplied},
                differs={k: part.settings[k] for k in part.settings if k in multiplied},
            )
        )
    return rows


def _registered_name(entry: Named) -> str | None:
    known: Entry | None = Mistakes().catch((), REGISTRY.get, "method", entry.name)
    return known.name if known else None


def _multiplied(entry: Named) -> set[str]:
    """The settings that a grid or a distribution gives several values."""
    return {k for k, v in entry.settings.items() if marked(v)}


def _problems(suite: Suite, seed: str, mistakes: Mistakes) -> list[Problem]:
    problems: dict[str, Problem] = {}
    for i, entry in enumerate(suite.problems):
        if entry.name == UNREAD:
            continue
        where: Where = ("problems", i, entry.name)
        settings = mistakes.catch(where, expand, entry.settings, seed=f"{seed}/{entry.name}")
        for given in settings or ():
            problem = mistakes.catch(where, resolve_problem, entry.name, given, suite.val)
            if problem is None:
                break
            if problem.name in problems:
                what = f"the problem {problem.name} stands here twice"
                mistakes.found.append(Mistake(what, where))
            problems[problem.name] = problem
    return list(problems.values())


def _recipes(entry: Named, seed: str, mistakes: Mistakes) -> list[_Variant]:
    if entry.name == UNREAD:
        return []
    where: Where = ("recipe", entry.name)
    settings = mistakes.catch(where, expand, entry.settings, seed=f"{seed}/{entry.name}") or []
    multiplied = _multiplied(entry) if len(settings) > 1 else set()
    variants = []
    for given in settings:
        recipe = mistakes.catch(where, resolve_recipe, entry.name, given)
        if recipe is None:
            break
        variants.append(_Variant(recipe, {k: v for k, v in given.items() if k in multiplied}))
    return variants


def _check_metrics(suite: Suite, mistakes: Mistakes) -> None:
    named = [mistakes.catch(("metrics", i), _metric, m) for i, m in enumerate(suite.metrics)]
    if suite.select and suite.select.by:
        mistakes.catch(("select", "by"), REGISTRY.get, "metric", suite.select.by)
    # A misspelt metric is told once, not again as one that primary misses.
    if suite.primary in (*suite.metrics, UNREAD) or None in named or UNREAD in named:
        return
    said = suggest(suite.primary, suite.metrics, "metric")
    what = f"primary {suite.primary!r} is not among the suite's metrics"
    mistakes.found.append(Mistake(what, ("primary",), said.right, said.hint))


def _metric(name: str) -> str:
    return name if name == UNREAD else REGISTRY.get("metric", name).name


def _check_baseline(suite: Suite, mistakes: Mistakes) -> None:
    if suite.baseline == UNREAD:
        return
    named = mistakes.catch(("baseline",), REGISTRY.get, "method", suite.baseline)
    there = [_registered_name(entry) for entry in suite.methods]
    if named is not None and named.name not in there and None not in there:
        said = suggest(suite.baseline, [entry.name for entry in suite.methods], "method")
        what = f"baseline {suite.baseline!r} is not among the suite's methods"
        mistakes.found.append(Mistake(what, ("baseline",), said.right, said.hint))


def _check_validation(suite: Suite, problems: list[Problem], mistakes: Mistakes) -> None:
    blind = [problem.name for problem in problems if not has_validation(problem)]
    if suite.select and blind:
        what = f"select chooses on validation data, and {', '.join(blind)} has none"
        mistakes.found.append(Mistake(what, ("select",), "add e.g. `val: {per_class: 20}`"))
