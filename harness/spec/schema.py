"""A JSON Schema of suite files, with every registered name and setting, for editors."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from harness.spec.expand import DISTRIBUTIONS
from harness.spec.recipes import FIELDS
from harness.spec.registry import REGISTRY, Entry, Setting
from harness.spec.suite import Suite

LIST: dict[str, Any] = {"type": "array", "minItems": 1}


def suite_schema() -> dict[str, Any]:
    """The schema of draft 2020-12; names of parts are those registered in this process."""
    schema = Suite.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    properties = schema["properties"]
    methods = [_named(entry, _settings(entry) | {"sample": _whole()}) for entry in _all("method")]
    problems = [_named(entry, _problem_settings(entry)) for entry in _all("dataset")]
    recipe_fields: dict[str, Any] = {field: {} for field in FIELDS}
    recipes = [_named(entry, recipe_fields) for entry in _all("recipe")]
    properties["methods"] = LIST | {"items": _one_of("method", methods)}
    properties["problems"] = LIST | {"items": _one_of("dataset", problems)}
    properties["recipe"] = _one_of("recipe", recipes)
    metric = {"enum": [entry.name for entry in _all("metric")]}
    properties["metrics"] = LIST | {"items": metric, "uniqueItems": True}
    properties["primary"] = metric
    properties["baseline"] = {"enum": _names("method")}
    properties["seeds"] = {"anyOf": [_whole(), LIST | {"items": {"type": "integer", "minimum": 0}}]}
    schema["$defs"].pop("Named", None)
    return schema


def _all(kind: str) -> list[Entry]:
    return list(REGISTRY.all(kind))


def _names(kind: str) -> list[str]:
    return sorted(name for entry in _all(kind) for name in (entry.name, *entry.aliases))


def _whole() -> dict[str, Any]:
    return {"type": "integer", "minimum": 1}


def _one_of(kind: str, with_settings: list[dict[str, Any]]) -> dict[str, Any]:
    return {"anyOf": [{"enum": _names(kind)}, *with_settings]}


def _named(entry: Entry, settings: dict[str, Any]) -> dict[str, Any]:
    """`name: {setting: value}`, closed: a typo is underlined as it is typed."""
    inner = {"type": ["object", "null"], "properties": settings, "additionalProperties": False}
    names = (entry.name, *entry.aliases)
    return {
        "type": "object",
        "description": entry.summary,
        "properties": dict.fromkeys(names, inner),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _settings(entry: Entry) -> dict[str, Any]:
    return {setting.name: _setting(setting) for setting in entry.settings.values()}


def _setting(setting: Setting) -> dict[str, Any]:
    """A value of the setting's type, a grid of them, or a distribution over them."""
    value = TypeAdapter(setting.annotation).json_schema()
    grid = {"type": "object", "properties": {"grid": LIST | {"items": value}}, "required": ["grid"]}
    draws = {
        "type": "object",
        "properties": {name: {"type": "array"} for name in DISTRIBUTIONS},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    shown = {} if setting.required else {"default": setting.default}
    return {"anyOf": [value, grid | {"additionalProperties": False}, draws]} | shown


def _problem_settings(entry: Entry) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for profile in _all("profile"):
        shapes |= _settings(profile)
    val = {
        "anyOf": [
            {"const": "none"},
            {
                "type": "object",
                "properties": {"per_class": _whole()},
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {
                    "fraction": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
                },
                "additionalProperties": False,
            },
        ]
    }
    own = {"profile": {"enum": _names("profile")}, "n_max": _whole(), "val": val}
    return {**shapes, **_settings(entry), **own}
