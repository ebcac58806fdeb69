"""What the cells of a suite are made of: rows, problems and recipes, from the suite's entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.errors import Mistake, Mistakes
from harness.spec.expand import expand, marked
from harness.spec.problems import resolve_problem
from harness.spec.recipes import MAPPINGS, resolve_recipe
from harness.spec.rows import Row, Suitewide, Variant, all_rows
from harness.spec.salvage import UNREAD
from harness.spec.suite import Named, Suite
from harness.spec.trial import Problem, Val
from harness.spec.yaml_lines import Where


class Parts(NamedTuple):
    """All that the cells of a suite are made of, in the suite's order."""

    problems: list[Problem]
    rows: list[Row]
    recipes: list[Variant]


def gather(suite: Suite, mistakes: Mistakes) -> Parts:
    """The parts of a suite, each by itself; what is wrong goes to the mistakes."""
    seed = f"{suite.suite}/{suite.version}"
    wrong = len(mistakes.found)
    problems = _problems(suite, seed, mistakes)
    unread = any(entry.name == UNREAD for entry in suite.problems)
    names = None if unread or len(mistakes.found) > wrong else [p.name for p in problems]
    recipes = _recipes(suite.recipe, seed, mistakes)
    rows = all_rows(Suitewide(suite, seed, names, recipes), mistakes)
    return Parts(problems, rows, recipes)


def _problems(suite: Suite, seed: str, mistakes: Mistakes) -> list[Problem]:
    problems: list[Problem] = []
    for i, entry in enumerate(suite.problems):
        if entry.name == UNREAD:
            continue
        where: Where = ("problems", i, entry.name)
        settings = mistakes.catch(where, expand, entry.settings, seed=f"{seed}/{entry.name}")
        for given in settings or ():
            problem = mistakes.catch(where, resolve_problem, entry.name, given, suite.val)
            if problem is None:
                break
            if problem in problems:
                what = f"the problem {problem.name} stands here twice"
                mistakes.found.append(Mistake(what, where))
                continue
            problems.append(problem)
    return _told_apart(problems, suite.val)


def _told_apart(problems: Sequence[Problem], usual: Val) -> list[Problem]:
    """Problems that differ in `val` alone: the suite's own keeps the name, the others add theirs.

    Whoever adds such a problem to a suite renames no other.
    """
    names = [problem.name for problem in problems]
    return [
        problem.model_copy(update={"apart": _val_in_short(problem.val)})
        if names.count(problem.name) > 1 and problem.val != usual
        else problem
        for problem in problems
    ]


def _val_in_short(val: Val) -> str:
    """`val20` images a class, `val0.2` of the images, `noval`."""
    size = val.per_class or val.fraction
    return f"val{size:g}" if size else "noval"


def _recipes(entry: Named, seed: str, mistakes: Mistakes) -> list[Variant]:
    if entry.name == UNREAD:
        return []
    where: Where = ("recipe", entry.name)
    seed = f"{seed}/{entry.name}"
    settings = mistakes.catch(where, expand, entry.settings, seed=seed, mappings=MAPPINGS) or []
    multiplied = {
        k
        for k, v in entry.settings.items()
        if len(settings) > 1 and marked(v, mapping=k in MAPPINGS)
    }
    variants = []
    for given in settings:
        recipe = mistakes.catch(where, resolve_recipe, entry.name, given)
        if recipe is None:
            break
        variants.append(Variant(recipe, given, {k: given[k] for k in given if k in multiplied}))
    return variants
