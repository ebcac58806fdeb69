"""What the cells of a suite are made of: rows, problems and recipes, from the suite's entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from evenhand.declared.base import plain, quoted
from evenhand.declared.trial import Problem, Val
from evenhand.errors import Mistake, Mistakes
from evenhand.suite.declaration import Named, SuiteDeclaration
from evenhand.suite.entry_parts import RecipeOf, Suitewide, Variant
from evenhand.suite.expand import expand, marked
from evenhand.suite.partial import UNREAD
from evenhand.suite.problems import resolve_problem
from evenhand.suite.recipes import MAPPINGS, resolve_recipe
from evenhand.suite.rows import Row, all_rows
from evenhand.suite.yaml_lines import Where


class Parts(NamedTuple):
    """All that the cells of a suite are made of, in the suite's order.

    own  recipes of problems that have one of their own, by the problem's name
    """

    problems: list[Problem]
    rows: list[Row]
    recipes: list[Variant]
    own: Mapping[str, RecipeOf]


def gather(suite: SuiteDeclaration, mistakes: Mistakes) -> Parts:
    """The parts of a suite, each by itself; what is wrong goes to the mistakes."""
    seed = f"{suite.suite}/{suite.version}"
    wrong = len(mistakes.found)
    declared = _problems(suite, seed, mistakes)
    problems, own = (
        [problem for problem, _ in declared],
        {p.name: own for p, own in declared if own},
    )
    unread = any(entry.name == UNREAD for entry in suite.problems)
    names = None if unread or len(mistakes.found) > wrong else [p.name for p in problems]
    recipes = _recipes(suite.recipe, seed, ("recipe", suite.recipe.name), mistakes)
    around = Suitewide(suite, seed, names, suite.recipe.name, recipes, own)
    return Parts(problems, all_rows(around, mistakes), recipes, own)


def _problems(
    suite: SuiteDeclaration, seed: str, mistakes: Mistakes
) -> list[tuple[Problem, RecipeOf | None]]:
    """Each with the recipe that it has in place of the suite's."""
    problems: list[Problem] = []
    own: list[RecipeOf | None] = []
    for i, entry in enumerate(suite.problems):
        if entry.name == UNREAD:
            continue
        where: Where = ("problems", i, entry.name)
        declared = {k: v for k, v in entry.settings.items() if k != "recipe"}
        recipe = _recipe_of(entry, seed, where, mistakes)
        settings = mistakes.catch(where, expand, declared, seed=f"{seed}/{entry.name}")
        for given in settings or ():
            problem = mistakes.catch(where, resolve_problem, entry.name, given, suite.val)
            if problem is None:
                break
            if problem in problems:
                what = f"the problem {problem.name} stands here twice"
                mistakes.found.append(Mistake(what, where))
                continue
            problems.append(problem)
            own.append(recipe)
    return list(zip(_told_apart(problems, suite.val), own, strict=True))


def _recipe_of(entry: Named, seed: str, where: Where, mistakes: Mistakes) -> RecipeOf | None:
    """The recipe that a problem's entry has of its own."""
    if entry.settings.get("recipe") is None:
        return None
    try:
        named = Named.model_validate(entry.settings["recipe"])
    except ValidationError:
        what = f"recipe = {quoted(entry.settings['recipe'])}: write a recipe's name"
        right = "or a name with fields to replace: `recipe: {cifar-ldam: {epochs: 60}}`"
        mistakes.found.append(Mistake(what, (*where, "recipe"), right))
        return None
    variants = _recipes(named, seed, (*where, "recipe", named.name), mistakes)
    return RecipeOf(named.name, variants) if variants else None


def _told_apart(problems: Sequence[Problem], usual: Val) -> list[Problem]:
    """Problems that differ in `val` alone: the suite's own keeps the name, the others add theirs.

    Whoever adds such a problem to a suite renames no other. Problems made of one file, whose names
    are the file's, add the settings in which they differ.
    """
    names = [problem.name for problem in problems]
    found = []
    for problem in problems:
        same = [other for other, name in zip(problems, names, strict=True) if name == problem.name]
        apart = _differing(problem, same)
        apart += [_val_in_short(problem.val)] if len(same) > 1 and problem.val != usual else []
        changes = {"apart": "-".join(apart)}
        found.append(problem.model_copy(update=changes) if apart else problem)
    return found


def _differing(problem: Problem, same: Sequence[Problem]) -> list[str]:
    """Settings of its data set that set a problem apart from others: `label-species`."""
    return [
        f"{name}-{plain(value).replace('/', '.')}"
        for name, value in problem.dataset.settings.items()
        if value is not None and any(p.dataset.settings.get(name) != value for p in same)
    ]


def _val_in_short(val: Val) -> str:
    """`val20` images a class, `val0.2` of the images, `noval`."""
    size = val.per_class or val.fraction
    return f"val{size:g}" if size else "noval"


def _recipes(entry: Named, seed: str, where: Where, mistakes: Mistakes) -> list[Variant]:
    if entry.name == UNREAD:
        return []
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
