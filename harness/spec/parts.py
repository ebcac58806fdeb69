"""What the cells of a suite are made of: rows, problems and recipes, from the suite's entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.errors import Mistake, Mistakes
from harness.spec.base import Part
from harness.spec.expand import expand, marked
from harness.spec.problems import resolve_problem
from harness.spec.recipes import resolve_recipe
from harness.spec.registry import REGISTRY, Entry
from harness.spec.salvage import UNREAD
from harness.spec.suite import Named, Suite
from harness.spec.trial import Problem, Recipe
from harness.spec.yaml_lines import Where


@dataclass(frozen=True)
class Row:
    """One setting of one method entry, before it meets problems and recipes.

    entry    which of the suite's methods
    fixed    settings that tell entries of one method apart
    differs  settings that a grid or a draw tells apart within the entry
    """

    entry: int
    part: Part
    title: str
    fixed: dict[str, Any]
    differs: Mapping[str, Any]


@dataclass(frozen=True)
class Variant:
    """One setting of the recipe, and what tells it apart from the others."""

    recipe: Recipe
    differs: Mapping[str, Any]


class Parts(NamedTuple):
    """All that the cells of a suite are made of, in the suite's order."""

    problems: list[Problem]
    rows: list[Row]
    recipes: list[Variant]


def gather(suite: Suite, mistakes: Mistakes) -> Parts:
    """The parts of a suite, each by itself; what is wrong goes to the mistakes."""
    seed = f"{suite.suite}/{suite.version}"
    return Parts(
        problems=_problems(suite, seed, mistakes),
        rows=_all_rows(suite, seed, mistakes),
        recipes=_recipes(suite.recipe, seed, mistakes),
    )


def _all_rows(suite: Suite, seed: str, mistakes: Mistakes) -> list[Row]:
    rows: list[Row] = []
    for i in range(len(suite.methods)):
        seen = [row.part for row in rows]
        rows += _rows(suite, i, seed, mistakes)
        twice = [row.part for row in rows[len(seen) :] if row.part in seen]
        mistakes.found += [Mistake(f"{p} stands here twice", ("methods", i)) for p in twice]
    return rows


def _rows(suite: Suite, index: int, seed: str, mistakes: Mistakes) -> list[Row]:
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
    alike = [other for other in suite.methods if registered_name(other) == registered.name]
    rows = []
    for given in settings:
        part = mistakes.catch(where, registered.resolve, given)
        if part is None:
            # Every setting of the grid would repeat the same mistake.
            break
        fixed = {k: v for k, v in part.settings.items() if k in entry.settings}
        rows.append(
            Row(
                entry=index,
                part=part,
                title=registered.title,
                fixed={k: v for k, v in fixed.items() if len(alike) > 1 and k not in multiplied},
                differs={k: part.settings[k] for k in part.settings if k in multiplied},
            )
        )
    return rows


def registered_name(entry: Named) -> str | None:
    """The method's own name where the entry has an alias; None where nobody registered it."""
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


def _recipes(entry: Named, seed: str, mistakes: Mistakes) -> list[Variant]:
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
        variants.append(Variant(recipe, {k: v for k, v in given.items() if k in multiplied}))
    return variants
