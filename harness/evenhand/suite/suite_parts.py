"""Resolution of a suite's entries to problems, rows and recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from evenhand.declared.base import canonical, format_scalar, quote_value
from evenhand.declared.trial import Problem, Val
from evenhand.errors import KeyPath, Mistake, Mistakes
from evenhand.suite.declaration import Named, SuiteDeclaration
from evenhand.suite.entry_parts import RecipeOf, RecipeVariant, SuiteContext
from evenhand.suite.expand import expand, sweep_kind
from evenhand.suite.problems import check_sizes, resolve_problem
from evenhand.suite.readable import UNREADABLE
from evenhand.suite.recipes import MAPPINGS, resolve_recipe
from evenhand.suite.rows import Row, all_rows


class SuiteParts(NamedTuple):
    """Problems, rows and recipes of a suite, in the suite's order."""

    problems: list[Problem]
    """Problems."""
    names: list[str] | None
    """Their names; None if some could not be read."""
    rows: list[Row]
    """Settings of the methods' entries, with their names."""
    recipes: list[RecipeVariant]
    """Variants of the suite's recipe."""
    own: Mapping[str, RecipeOf]
    """Recipes of the problems that have one of their own, by name of the problem."""


def resolve_parts(suite: SuiteDeclaration, mistakes: Mistakes) -> SuiteParts:
    """Resolve each part of a suite by itself, and collect the mistakes."""
    seed = f"{suite.suite}/{suite.version}"
    wrong = len(mistakes.found)
    declared = _problems(suite, seed, mistakes)
    problems, own = (
        [problem for problem, _ in declared],
        {p.name: own for p, own in declared if own},
    )
    unread = any(entry.name == UNREADABLE for entry in suite.problems)
    names = None if unread or len(mistakes.found) > wrong else [p.name for p in problems]
    recipes = _recipes(suite.recipe, seed, ("recipe", suite.recipe.name), mistakes)
    context = SuiteContext(suite, seed, names, suite.recipe.name, recipes, own)
    return SuiteParts(problems, names, all_rows(context, mistakes), recipes, own)


def _problems(
    suite: SuiteDeclaration, seed: str, mistakes: Mistakes
) -> list[tuple[Problem, RecipeOf | None]]:
    """The problems, each with the recipe that replaces the suite's, if it has one."""
    problems: list[Problem] = []
    own: list[RecipeOf | None] = []
    known: set[str] = set()
    for i, entry in enumerate(suite.problems):
        if entry.name == UNREADABLE:
            continue
        where: KeyPath = ("problems", i, entry.name)
        declared = {k: v for k, v in entry.settings.items() if k != "recipe"}
        recipe = _recipe_of(entry, seed, where, mistakes)
        settings = mistakes.catch(where, expand, declared, seed=f"{seed}/{entry.name}")
        for given in settings or ():
            problem = mistakes.catch(where, resolve_problem, entry.name, given, suite.val)
            if problem is None:
                break
            if (spec := canonical(problem)) in known:
                what = f"the problem {problem.name} is listed twice"
                mistakes.found.append(Mistake(what, where))
                continue
            before = len(mistakes.found)
            known.add(spec)
            mistakes.catch(where, check_sizes, problem)
            if len(mistakes.found) > before:
                # The other values of a grid would repeat the same mistake.
                break
            problems.append(problem)
            own.append(recipe)
    return list(zip(_with_suffixes(problems, suite.val), own, strict=True))


def _recipe_of(entry: Named, seed: str, where: KeyPath, mistakes: Mistakes) -> RecipeOf | None:
    """The recipe in the entry of a problem; None without one."""
    if entry.settings.get("recipe") is None:
        return None
    try:
        named = Named.model_validate(entry.settings["recipe"])
    except ValidationError:
        what = f"recipe = {quote_value(entry.settings['recipe'])}: write a recipe's name"
        right = "or a name with fields to replace: `recipe: {cifar-ldam: {epochs: 60}}`"
        mistakes.found.append(Mistake(what, (*where, "recipe"), right))
        return None
    variants = _recipes(named, seed, (*where, "recipe", named.name), mistakes)
    return RecipeOf(named.name, variants) if variants else None


def _with_suffixes(problems: Sequence[Problem], usual: Val) -> list[Problem]:
    """The problems with suffixes where several would have one name.

    Of problems that differ in `val` alone, the one with the suite's `val` keeps the name and the
    others add theirs, so that a further problem renames no other. Problems from one file, which are
    named after the file, add the settings in which they differ.
    """
    by_name: dict[str, list[Problem]] = {}
    for problem in problems:
        by_name.setdefault(problem.name, []).append(problem)
    found = []
    for problem in problems:
        same = by_name[problem.name]
        suffix = _differing(problem, same)
        suffix += [_val_in_short(problem.val)] if len(same) > 1 and problem.val != usual else []
        changes = {"name_suffix": "-".join(suffix)}
        found.append(problem.model_copy(update=changes) if suffix else problem)
    return found


def _differing(problem: Problem, same: Sequence[Problem]) -> list[str]:
    """Settings of the data set in which a problem differs from others: `label-species`."""
    return [
        f"{name}-{format_scalar(value).replace('/', '.')}"
        for name, value in problem.dataset.settings.items()
        if value is not None and any(p.dataset.settings.get(name) != value for p in same)
    ]


def _val_in_short(val: Val) -> str:
    """Short form of `val`: `val20` for 20 images of each class, `val0.2` for a share, `noval`."""
    size = val.per_class or val.fraction or val.further
    return f"val{size:g}" if size else "noval"


def _recipes(entry: Named, seed: str, where: KeyPath, mistakes: Mistakes) -> list[RecipeVariant]:
    if entry.name == UNREADABLE:
        return []
    seed = f"{seed}/{entry.name}"
    settings = mistakes.catch(where, expand, entry.settings, seed=seed, mappings=MAPPINGS) or []
    multiplied = {
        k
        for k, v in entry.settings.items()
        if len(settings) > 1 and sweep_kind(v, mapping=k in MAPPINGS)
    }
    variants = []
    for given in settings:
        recipe = mistakes.catch(where, resolve_recipe, entry.name, given)
        if recipe is None:
            break
        swept = {k: given[k] for k in given if k in multiplied}
        variants.append(RecipeVariant(recipe, given, swept))
    return variants
