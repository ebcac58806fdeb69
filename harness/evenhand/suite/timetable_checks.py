"""Checks that rounding leaves an epoch to every stage and to every drop of the learning rate.

Places are shares of the epochs. With few epochs, two of them can fall on one epoch, after which a
method is silently another one: deferred re-weighting that begins with the last drop hardly trains.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from evenhand.declared.base import Part
from evenhand.declared.method import Method
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.timetable import clashes, every_stage_trains, has_own_epochs, next_epochs
from evenhand.errors import KeyPath, Mistake, Mistakes
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.entry_parts import RecipeVariant
from evenhand.suite.rows import Row
from evenhand.suite.suite_parts import SuiteParts

TIMES = {"epochs", "schedule", "warmup"}
"""Fields of a recipe by which the places of its drops are computed."""
OWN_EPOCH = "every stage needs at least one epoch, and so does every drop of the learning rate: "
NEXT = "write {line}, the next number that leaves one to each"
CONSTANT = "or keep {epochs} without drops, the same for all methods: {line}"


class _Trained(NamedTuple):
    """A method under a recipe, and the places of both in the suite."""

    label: str
    part: Part
    recipe: Recipe
    where: KeyPath
    """Place of the method."""
    recipe_at: KeyPath
    """Place of the recipe."""
    variant: RecipeVariant
    """Variant of the recipe, with the fields that this place declares."""

    @property
    def method(self) -> Method:
        method: Method = REGISTRY.make("method", self.part)
        return method


def check_timetables(suite: SuiteDeclaration, parts: SuiteParts, mistakes: Mistakes) -> None:
    """Check every method under its recipes; each place is reported once."""
    told: set[KeyPath] = set()
    trained = list(_trained(suite, parts))
    for each in trained:
        method = each.method
        if not every_stage_trains(method, each.recipe.epochs):
            found = [(each.where, _of_stages(each, method, trained))]
        else:
            found = _of_drops(each, method, trained)
        for where, mistake in found:
            if where not in told:
                told.add(where)
                mistakes.found.append(mistake)


def _trained(suite: SuiteDeclaration, parts: SuiteParts) -> Iterator[_Trained]:
    """Every method and teacher under every variant of its recipe."""
    for row in parts.rows:
        where: KeyPath = ("methods", row.entry, suite.methods[row.entry].name)
        label = f"{row.name}: " if row.labelled else ""
        at = _recipe_at(suite, parts, row, where)
        for variant in row.variants:
            yield _Trained(label, row.part, variant.recipe, where, at, variant)
            if row.teacher:
                recipe, place = variant.teacher or variant.recipe, (*where, "teacher")
                here = place if variant.teacher else at
                yield _Trained(label, row.teacher.method, recipe, place, here, variant)


def _recipe_at(suite: SuiteDeclaration, parts: SuiteParts, row: Row, where: KeyPath) -> KeyPath:
    """The place that decides the epochs of a row: its own fields, its problem, or the suite."""
    if row.replaced & TIMES:
        return (*where, "recipe")
    if row.problems & parts.own.keys():
        own = {p.dataset.name for p in parts.problems if p.name in row.problems & parts.own.keys()}
        for i, entry in enumerate(suite.problems):
            if entry.name in own and entry.settings.get("recipe") is not None:
                return ("problems", i, entry.name, "recipe")
    return ("recipe", suite.recipe.name)


def _next(each: _Trained, trained: list[_Trained]) -> int | None:
    """The next number of epochs for all methods under the recipe, or at least for this one.

    Every line proposes the same number, which mends all of them.
    """
    return next_epochs(_same(each, trained), each.recipe) or next_epochs([each.method], each.recipe)


def _same(each: _Trained, trained: list[_Trained]) -> list[Method]:
    """Each method that is trained under the recipe, once."""
    parts = {str(other.part): other for other in trained if other.recipe == each.recipe}
    return [other.method for other in parts.values()]


def _of_stages(each: _Trained, method: Method, trained: list[_Trained]) -> Mistake:
    first = method.first_epochs(each.recipe.epochs)
    begins = " and ".join(f"{epoch + 1}" for epoch in first)
    of = f"of {_epochs(each.recipe.epochs)} its stages would begin at {begins}"
    right = OWN_EPOCH + _raise(_next(each, trained))
    return Mistake(f"{each.label}{each.part}: {of}", each.where, right)


def _of_drops(
    each: _Trained, method: Method, trained: list[_Trained]
) -> list[tuple[KeyPath, Mistake]]:
    """Mistakes of the recipe alone, at its place, and those of the method's stages and runs."""
    found = []
    for clash in clashes(method, each.recipe):
        if clash.is_of_recipe:
            found.append((each.recipe_at, _of_recipe(each, clash.what, trained)))
            continue
        what = f"{each.label}{each.part}: of a run of {_epochs(clash.run.epochs)}, {clash.what}"
        right = OWN_EPOCH + _raise(_next(each, trained))
        found.append((each.where, Mistake(what, each.where, right)))
    return found


def _of_recipe(each: _Trained, clash: str, trained: list[_Trained]) -> Mistake:
    epochs = each.recipe.epochs
    number = _next(each, trained)
    right = OWN_EPOCH + _raise(number, "" if number is None else _line(each, epochs=number))
    line = _line(each, epochs=epochs, schedule="constant")
    without = each.recipe.model_copy(update={"schedule": REGISTRY.part("schedule", "constant")})
    fits = all(has_own_epochs(method, without) for method in _same(each, trained))
    constant = CONSTANT.format(epochs=_epochs(epochs), line=line) if fits else ""
    what = f"{each.recipe.name}: of {_epochs(epochs)}, {clash}"
    return Mistake(what, each.recipe_at, right, constant)


def _raise(number: int | None, line: str = "") -> str:
    """The correction by more epochs, as the line of the suite where this is known."""
    if number is None:
        return "no larger number of epochs leaves one; change `warmup`, `drops` or the stages"
    return NEXT.format(line=line or f"`epochs: {number}` in the recipe")


def _line(each: _Trained, **fields: Any) -> str:
    """The line of the suite with these fields, or the fields alone where it has others."""
    others = each.variant.given.keys() - {"epochs"} | each.variant.swept.keys()
    text = ", ".join(f"{name}: {value}" for name, value in fields.items())
    if each.recipe_at[0] == "recipe" and not others:
        return f"`recipe: {{{each.recipe.name}: {{{text}}}}}`"
    return f"`{text}`"


def _epochs(number: int) -> str:
    return f"{number} epoch{'' if number == 1 else 's'}"
