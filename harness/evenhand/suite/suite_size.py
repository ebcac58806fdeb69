"""Number of trials of a suite, from the lengths of its grids and lists, before any is made."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from evenhand.errors import KeyPath, Mistake, Mistakes
from evenhand.suite.declaration import MOST_PROBLEMS, MOST_TRIALS, Named, SuiteDeclaration
from evenhand.suite.entries import FIELD, read
from evenhand.suite.entry_parts import MAPPED
from evenhand.suite.expand import sweep_kind
from evenhand.suite.recipes import MAPPINGS


def check_size(suite: SuiteDeclaration) -> list[Mistake]:
    """A mistake where a suite has too many problems or trials; none where its size is right.

    The place is the entry with the most settings, the recipe, or the seeds.
    """
    problems = [_n_problems(entry) for entry in suite.problems]
    methods = [_n_settings(suite, entry) for entry in suite.methods]
    n_problems = sum(problems)
    n = n_problems * sum(methods) * len(suite.seeds)
    if n_problems > MOST_PROBLEMS:
        what = f"a suite has at most {MOST_PROBLEMS:,} problems, and this has {_shown(n_problems)}"
        return [Mistake(what, ("problems", _largest(problems)))]
    if n <= MOST_TRIALS:
        return []
    what = f"a suite has at most {MOST_TRIALS:,} trials, and this has {_shown(n)}"
    counts = {"setting": sum(methods), "problem": n_problems, "seed": len(suite.seeds)}
    size = " × ".join(f"{_shown(k)} {noun}{'s' if k > 1 else ''}" for noun, k in counts.items())
    right = "shorten the grids or the seeds, or divide the suite"
    where: KeyPath = ("methods", _largest(methods))
    of_recipe = _lengths(suite.recipe.settings, MAPPINGS)
    if 2 * _product(of_recipe) > max(methods) > 1:
        longest = max(of_recipe, key=lambda name: of_recipe[name], default="")
        where = ("recipe", suite.recipe.name, longest)
    if len(suite.seeds) > max(*methods, n_problems):
        where = ("seeds",)
    return [Mistake(what, where, size, right)]


def _largest(numbers: Sequence[int]) -> int:
    return max(range(len(numbers)), key=numbers.__getitem__)


def _shown(n: int) -> str:
    return f"{n:,}" if n < 10**12 else f"about 10^{len(str(n)) - 1}"


def _n_problems(entry: Named) -> int:
    return _product(_lengths({k: v for k, v in entry.settings.items() if k != "recipe"}, ()))


def _n_settings(suite: SuiteDeclaration, entry: Named) -> int:
    """The largest number of settings that an entry has on a problem, recipes included."""
    method = read(entry, Mistakes(), ())
    of_suite = [suite.recipe, *(_own_recipe(problem) for problem in suite.problems)]
    most = 1
    for recipe in of_suite:
        shared = _lengths(recipe.settings, MAPPINGS, prefix=FIELD) if recipe else {}
        for glob in (None, *method.on):
            own = _lengths(method.declared(glob), MAPPED)
            drawn = {"drawn": shared.get(f"{FIELD}sample", 1) * own.pop("sample", 1)}
            shared_fields = {k: n for k, n in shared.items() if k != f"{FIELD}sample"}
            most = max(most, _product(shared_fields | own | drawn))
    return most


def _own_recipe(problem: Named) -> Named | None:
    try:
        return Named.model_validate(problem.settings.get("recipe"))
    except ValidationError:
        return None


def _lengths(
    settings: Mapping[str, Any], mappings: Collection[str], *, prefix: str = ""
) -> dict[str, int]:
    """Number of values of each setting; of `sample`, the number of draws."""
    found = {}
    for name, value in settings.items():
        if sweep_kind(value, mapping=name in mappings) == "grid":
            inner = value["grid"]
            found[prefix + name] = len(inner) if isinstance(inner, list) else 1
        elif name == "sample" and isinstance(value, int) and value > 0:
            found[prefix + name] = value
        else:
            found[prefix + name] = 1
    return found


def _product(lengths: Mapping[str, int]) -> int:
    return math.prod(lengths.values())
