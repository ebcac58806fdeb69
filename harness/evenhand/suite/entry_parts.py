"""The parts of one setting of an entry: method, post-hoc method, teacher and recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pydantic import ValidationError

from evenhand.declared.base import Part, advice, canonical, quote_value
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.trial import Teacher
from evenhand.errors import Mistake, Mistakes, SpecError
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.entries import FIELD, POSTHOC, PREFIXES, TEACHER, Declared
from evenhand.suite.recipes import MAPPINGS, resolve_recipe

MAPPED = tuple(prefix + name for name in MAPPINGS for prefix in (FIELD, TEACHER + FIELD))
TEMPERATURE = TEACHER + "temperature"


@dataclass(frozen=True)
class RecipeVariant:
    """One setting of the recipe."""

    recipe: Recipe
    """The recipe with all its fields."""
    given: Mapping[str, Any]
    """The fields that the suite declares."""
    swept: Mapping[str, Any]
    """Those of them that differ between the variants."""
    teacher: Recipe | None = None
    """Recipe of the teacher, if it is another."""


@dataclass(frozen=True)
class SuiteContext:
    """The rest of the suite, as far as the rows of an entry depend on it."""

    suite: SuiteDeclaration
    """The keys of the suite."""
    seed: str
    """Seed of the draws from distributions."""
    problems: Sequence[str] | None
    """Names of the problems; None if some could not be read."""
    recipe: str
    """Name of the recipe."""
    recipes: Sequence[RecipeVariant]
    """Variants of the recipe that the suite declares."""
    own: Mapping[str, RecipeOf] = field(default_factory=dict)
    """Recipes of the problems that have one of their own, by name of the problem."""

    def by_recipe(self, problems: Sequence[str]) -> list[tuple[SuiteContext, frozenset[str]]]:
        """The problems in sets that share a recipe, each with the context of its rows."""
        groups: dict[str, list[str]] = {}
        for problem in problems:
            own = self.own.get(problem)
            dumped = [v.recipe.model_dump(mode="json") for v in own.variants] if own else ""
            key = canonical(dumped)
            groups.setdefault(key, []).append(problem)
        found = []
        for names in groups.values():
            own = self.own.get(names[0])
            scope = replace(self, recipe=own.name, recipes=own.variants) if own else self
            found.append((scope, frozenset(names)))
        return found


class RecipeOf(NamedTuple):
    """The recipe of a problem."""

    name: str
    """Name of the recipe."""
    variants: Sequence[RecipeVariant]
    """Its declared variants."""


class EntryParts(NamedTuple):
    """The parts of one setting of an entry."""

    method: Part
    """Method with all settings."""
    posthoc: Part | None
    """Post-hoc method with all settings."""
    teacher: Teacher | None
    """Teacher of knowledge distillation."""
    variants: tuple[RecipeVariant, ...]
    """Variants of the recipe."""


def parts_of(
    context: SuiteContext, registered: Registered | None, given: Declared, mistakes: Mistakes
) -> EntryParts | None:
    """The parts of one setting; None if the method or a recipe is wrong.

    `where` of a mistake begins with the declared key.
    """
    method = mistakes.catch((), registered.resolve, _under("", given)) if registered else None
    posthoc = _named_part("posthoc", "posthoc", _under(POSTHOC, given), given, mistakes)
    settings = _under(TEACHER, given)
    temperature = settings.pop("temperature", 1.0)
    taught = _named_part("teacher", "method", settings, given, mistakes)
    variants = _variants(context, given, mistakes)
    if method is None or variants is None:
        return None
    teacher = mistakes.catch((TEMPERATURE,), _teacher, taught, temperature) if taught else None
    return EntryParts(method, posthoc, teacher, variants)


def _named_part(
    role: str, kind: str, settings: Declared, given: Declared, mistakes: Mistakes
) -> Part | None:
    if role not in given:
        return None
    inner = Mistakes()
    part: Part | None = inner.catch((), REGISTRY.part, kind, given[role], settings)
    for mistake in inner.found:
        first = f"{role}.{mistake.where[0]}" if mistake.where else role
        mistakes.found.append(replace(mistake, where=(first, *mistake.where[1:])))
    return part


def _teacher(method: Part, temperature: Any) -> Teacher:
    """The teacher without its recipe. Raises `SpecError` for a wrong temperature."""
    try:
        return Teacher(method=method, temperature=temperature)
    except ValidationError as error:
        what = f"temperature = {quote_value(temperature)}: {advice(error.errors()[0])}"
        raise SpecError([Mistake(what)]) from None


def _under(prefix: str, given: Declared) -> Declared:
    """Settings under a prefix, which is removed; under "" those of the method itself."""
    longer = [p for p in PREFIXES if len(p) > len(prefix)]
    return {
        k.removeprefix(prefix): v
        for k, v in given.items()
        if k.startswith(prefix)
        and not any(k.startswith(p) for p in longer)
        and k not in ("posthoc", "teacher")
    }


def _variants(
    context: SuiteContext, declared: Declared, mistakes: Mistakes
) -> tuple[RecipeVariant, ...] | None:
    """The suite's recipes with the entry's fields, which also replace grids over these fields."""
    fields, taught = _under(FIELD, declared), _under(TEACHER + FIELD, declared)
    if not fields and not taught:
        return tuple(context.recipes)
    found: dict[str, RecipeVariant] = {}
    for variant in context.recipes or [RecipeVariant(None, {}, {})]:  # type: ignore[arg-type]
        given = {**variant.given, **fields}
        recipe = _replaced(context, given, fields, FIELD, mistakes)
        teacher = _replaced(context, {**given, **taught}, taught, TEACHER + FIELD, mistakes)
        if recipe is None:
            return None
        left = {k: v for k, v in variant.swept.items() if k not in fields}
        made = RecipeVariant(recipe, given, left, None if teacher == recipe else teacher)
        found.setdefault(canonical(left), made)
    return tuple(found.values())


def _replaced(
    context: SuiteContext, given: Declared, fields: Declared, prefix: str, mistakes: Mistakes
) -> Recipe | None:
    """The recipe with these fields; only mistakes in the entry's own fields are collected."""
    inner = Mistakes()
    recipe = inner.catch((), resolve_recipe, context.recipe, given)
    ours = [m for m in inner.found if m.where and m.where[0] in fields]
    if context.recipes and fields and not ours:
        # The suite's recipe is right by itself: what is wrong came with the entry's fields.
        ours = [replace(m, where=(next(iter(fields)),)) for m in inner.found]
    mistakes.found += [replace(m, where=(f"{prefix}{m.where[0]}", *m.where[1:])) for m in ours]
    return recipe
