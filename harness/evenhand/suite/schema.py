"""JSON Schema of suite files, with every registered name and setting, for editors."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter

from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.declared.setting import Setting
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.expand import DISTRIBUTIONS
from evenhand.suite.problems import SELECTIONS
from evenhand.suite.recipes import FIELDS

FIELDS_OF_RECIPE, RECIPE = "FieldsOfRecipe", "Recipe"
ROLES = {"teacher": "Teacher", "posthoc": "PostHoc"}
"""Names of definitions by key of a method's entry."""
LIST: dict[str, Any] = {"type": "array", "minItems": 1}


def suite_schema() -> dict[str, Any]:
    """The schema in draft 2020-12, with the parts that are registered in this process."""
    schema = SuiteDeclaration.model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    properties = schema["properties"]
    rows = [*_all("method"), *_all("posthoc")]
    methods = [_named(entry, _settings(entry) | _entry_keys(entry)) for entry in rows]
    problems = [_named(entry, _problem_settings(entry)) for entry in _all("dataset")]
    recipes = [_named(entry, _recipe_settings()) for entry in _all("recipe")]
    names = {"enum": [*_names("method"), *_names("posthoc")]}
    properties["methods"] = LIST | {"items": {"anyOf": [names, *methods]}}
    properties["problems"] = LIST | {"items": _one_of("dataset", problems)}
    properties["recipe"] = {"$ref": f"#/$defs/{RECIPE}"}
    metric = {"enum": [entry.name for entry in _all("metric")]}
    properties["metrics"] = LIST | {"items": metric, "uniqueItems": True}
    by_problem = {"type": "object", "additionalProperties": metric, "minProperties": 1}
    properties["tested"] = {"type": "array", "items": metric, "uniqueItems": True}
    properties["primary"] = {"anyOf": [metric, by_problem]}
    # A row has any name, so editors complete the methods and accept every text.
    properties["baseline"] = {"anyOf": [{"enum": _names("method")}, {"type": "string"}]}
    properties["seeds"] = {"anyOf": [_whole(), LIST | {"items": {"type": "integer", "minimum": 0}}]}
    properties["val"] = _val()
    for name in ("Named", "Val"):
        del schema["$defs"][name]
    schema["$defs"][RECIPE] = _one_of("recipe", recipes)
    schema["$defs"][FIELDS_OF_RECIPE] = _closed(_recipe_settings())
    schema["$defs"][ROLES["teacher"]] = _teachers()
    schema["$defs"][ROLES["posthoc"]] = _posthocs()
    return schema


def _all(kind: str) -> list[Registered]:
    return list(REGISTRY.all(kind))


def _names(kind: str) -> list[str]:
    return sorted(name for entry in _all(kind) for name in (entry.name, *entry.aliases))


def _whole() -> dict[str, Any]:
    return {"type": "integer", "minimum": 1}


def _one_of(kind: str, with_settings: list[dict[str, Any]]) -> dict[str, Any]:
    return {"anyOf": [{"enum": _names(kind)}, *with_settings]}


def _named(entry: Registered, settings: dict[str, Any]) -> dict[str, Any]:
    """Schema of `name: {setting: value}` without further keys, so that editors mark typos."""
    inner = _closed({**settings, "sample": _whole()}) | {"type": ["object", "null"]}
    names = (entry.name, *entry.aliases)
    return {
        "type": "object",
        "description": entry.summary,
        "properties": dict.fromkeys(names, inner),
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _entry_keys(entry: Registered) -> dict[str, Any]:
    """Keys of a method's entry besides the method's settings."""
    fields = {"recipe": {"$ref": f"#/$defs/{FIELDS_OF_RECIPE}"}}
    there = _closed({**_settings(entry), **fields, "sample": _whole()}) | {"minProperties": 1}
    label = {"type": "string", "pattern": '^[^"]*[^" ][^"]*$'}
    parts = {role: {"$ref": f"#/$defs/{name}"} for role, name in ROLES.items()}
    on = {"type": "object", "additionalProperties": there}
    return {"as": label, "on": on, **fields, **parts}


def _teachers() -> dict[str, Any]:
    """Schema of a teacher: a method with settings, a temperature and fields of the recipe."""
    temperature = {"type": "number", "exclusiveMinimum": 0}
    own = {
        "temperature": _multiplied(temperature),
        "recipe": {"$ref": f"#/$defs/{FIELDS_OF_RECIPE}"},
    }
    return _one_of("method", [_named(e, {**_settings(e), **own}) for e in _all("method")])


def _posthocs() -> dict[str, Any]:
    return _one_of("posthoc", [_named(e, _settings(e)) for e in _all("posthoc")])


def _settings(entry: Registered) -> dict[str, Any]:
    return {setting.name: _setting(setting) for setting in entry.settings.values()}


def _setting(setting: Setting) -> dict[str, Any]:
    value = TypeAdapter(setting.annotation).json_schema()
    shown = {} if setting.required else {"default": json.loads(json.dumps(setting.default))}
    return _multiplied(value) | shown


def _multiplied(value: dict[str, Any]) -> dict[str, Any]:
    """Schema of a value, a grid of such values, or a distribution over them."""
    grid = {"type": "object", "properties": {"grid": LIST | {"items": value}}, "required": ["grid"]}
    draws = {
        "type": "object",
        "properties": {name: {"type": "array"} for name in DISTRIBUTIONS},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [value, grid | {"additionalProperties": False}, draws]}


def _recipe_settings() -> dict[str, Any]:
    """Schema of a recipe's fields: numbers and flags by type, parts without a constraint."""
    fields = Recipe.model_json_schema()["properties"]
    typed = {name: fields[name] for name in FIELDS if "$ref" not in json.dumps(fields[name])}
    return {name: _multiplied(typed[name]) if name in typed else {} for name in FIELDS}


def _problem_settings(entry: Registered) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for profile in _all("profile"):
        shapes |= _settings(profile)
    own = {
        "profile": _multiplied({"enum": _names("profile")}),
        "n_max": _multiplied(_whole()),
        "selection": _multiplied({"enum": list(SELECTIONS)}),
        "val": _val(),
        "recipe": {"$ref": f"#/$defs/{RECIPE}"},
    }
    return {**shapes, **_settings(entry), **own}


def _val() -> dict[str, Any]:
    share = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    forms = [
        {"type": "object", "properties": {name: value}, "additionalProperties": False}
        for name, value in (
            ("per_class", _whole()),
            ("fraction", share),
            ("further", {"type": "number", "exclusiveMinimum": 0}),
            ("test_half", {"const": True}),
        )
    ]
    return {"anyOf": [{"const": "none"}, *forms]}
