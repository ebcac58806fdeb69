"""Resolution of a recipe: a registered recipe with fields replaced by the suite."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from evenhand.declared.base import Part, advice, quote_value
from evenhand.declared.method import Method
from evenhand.declared.recipe import SGD, Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.metrics import is_of_logits
from evenhand.suite.declaration import Named
from evenhand.suite.own_optimizers import check_own_optimizer

FIELDS = [name for name in Recipe.model_fields if name != "name"]
MAPPINGS = ("backbone", "schedule", "sam", "angle_to", "optimizer", "mixing")
"""Fields whose value may be a mapping: `sam: {rho: [0.1, 0.2]}` is not a distribution."""


def part(kind: str, **settings: Mapping[str, Any]) -> Part:
    """A part named by a single keyword: `part("schedule", step={"drops": ...})`."""
    [(name, given)] = settings.items()
    return REGISTRY.part(kind, name, given)


def resolve_recipe(name: str, given: Mapping[str, Any]) -> Recipe:
    """The named recipe with these fields, where backbone, schedule and augment name parts.

    Raises `SpecError`. `where` of a mistake begins with the field's name.
    """
    recipe: Recipe = REGISTRY.get("recipe", name).make()
    mistakes: list[Mistake] = []
    fields: dict[str, Any] = json.loads(recipe.model_dump_json()) | {"name": name}
    for key, value in given.items():
        if key not in FIELDS:
            said = suggest(str(key), FIELDS, "field")
            what = f"a recipe has no field {key!r}"
            mistakes.append(Mistake(what, (key,), said.right, said.hint))
            continue
        try:
            fields[key] = _field(key, value)
        except SpecError as error:
            mistakes += [Mistake(m.what, (key, *m.where), m.right, m.hint) for m in error.mistakes]
    if not mistakes:
        mistakes = _fit_to_optimizer(fields, given, recipe)
    if mistakes:
        raise SpecError(mistakes)
    try:
        resolved = Recipe.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise SpecError(
            [
                Mistake(f"{e['loc'][0]} = {quote_value(e['input'])}: {advice(e)}", tuple(e["loc"]))
                for e in error.errors()
            ]
        ) from None
    check_own_optimizer(resolved)
    return resolved


def _fit_to_optimizer(
    fields: dict[str, Any], given: Mapping[str, Any], recipe: Recipe
) -> list[Mistake]:
    """Set the fields that the optimiser does not use to nothing.

    It is a mistake to give one of them, or to keep the learning rate of another optimiser.
    """
    name = (fields["optimizer"] or {"name": SGD})["name"]
    entry, before = REGISTRY.get("optimizer", name), recipe.optimizer
    mistakes = []
    for field, nothing in (("momentum", 0.0), ("nesterov", False)):
        if field in entry.facts.get("reads", ()):
            continue
        if given.get(field):
            what = f"{field} = {quote_value(given[field])}: the optimiser {name} has no {field}"
            takes = ", ".join(map(str, entry.settings.values())) or "no settings"
            right = (
                f"leave it out, or write `{field}: {quote_value(nothing)}`; {name} takes {takes}"
            )
            mistakes.append(Mistake(what, (field,), right))
        fields[field] = nothing
    missing = [field for field in ("lr", "weight_decay") if field not in given]
    if missing and name != (before.name if before else SGD):
        what = (
            f"optimizer = {name!r}: {' and '.join(missing)} of the recipe {recipe.name} "
            f"{'is' if len(missing) == 1 else 'are'} meant for {before.name if before else SGD}"
        )
        right = "give both, such as `lr: 0.001, weight_decay: 0.05`"
        mistakes.append(Mistake(what, ("optimizer",), right))
    return mistakes


def _named(kind: str, value: Any) -> Any:
    try:
        entry = Named.model_validate(value)
    except ValidationError:
        raise SpecError(
            [
                Mistake(
                    f"{quote_value(value)}: write the {kind}'s name, or `name: {{setting: value}}`"
                )
            ]
        ) from None
    return REGISTRY.part(kind, entry.name, entry.settings).model_dump(mode="json")


def _backbone(value: Any) -> Any:
    """The backbone; one of Evenhand is made, which checks its settings together."""
    part = _named("backbone", value)
    if REGISTRY.get("backbone", part["name"]).is_shipped:
        try:
            REGISTRY.make("backbone", Part.model_validate(part))
        except SpecError as error:
            where = (part["name"],) if isinstance(value, dict) else ()
            placed = [replace(m, where=(*where, *m.where)) for m in error.mistakes]
            raise SpecError(placed) from None
    return part


def _optimizer(value: Any) -> Any:
    """The optimiser; None for SGD as in a recipe that names no optimiser."""
    part = None if value is None else _named("optimizer", value)
    return None if part == _named("optimizer", SGD) else part


def _solving(value: Any) -> Any:
    part = _named("method", value)
    method: Method = REGISTRY.make("method", Part.model_validate(part))
    if method.stages or method.refit is None or method.refit.split != "train":
        what = f"angle_to = {quote_value(value)}: that method trains a network"
        right = "name a method that only solves for its head, such as `cs_svm`"
        raise SpecError([Mistake(what, (), right)])
    return part


def _parts(value: Any) -> Any:
    if not isinstance(value, list):
        right = "write a list of augmentations; [] for none"
        raise SpecError([Mistake(f"augment = {quote_value(value)}: {right}")])
    return [_named("augmentation", item) for item in value]


def _metric(value: Any) -> Any:
    name = REGISTRY.get("metric", str(value)).name
    if is_of_logits(name):
        what = f"best_by = {name!r} is a metric of logits, and epochs are chosen by counts"
        raise SpecError([Mistake(what, (), "name a metric of counts, such as balanced_accuracy")])
    return name


_PARTS: dict[str, Callable[[Any], Any]] = {
    "backbone": _backbone,
    "schedule": lambda value: _named("schedule", value),
    "optimizer": _optimizer,
    "mixing": lambda value: None if value is None else _named("mixing", value),
    "angle_to": _solving,
    "augment": _parts,
    "best_by": _metric,
}


def _field(key: str, value: Any) -> Any:
    return _PARTS[key](value) if key in _PARTS else value
