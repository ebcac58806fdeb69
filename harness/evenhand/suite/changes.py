"""Changes to a suite for one call: `--set problems.selection=null`, `--set seeds=1`.

    seeds=1                     a key of the suite
    problems.selection=null     a key of every problem; null leaves it out
    recipe.epochs=40            a field of the suite's recipe, and of the recipes of its problems

A value is written as in a suite file. What a method's entry gives for itself stays. The suite keeps
its name, and its trials have the keys of the changed settings: a report needs the same changes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import yaml

from evenhand.errors import KeyPath, Mistake, SpecError, suggest
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.plain_yaml import Refused, load_value
from evenhand.suite.problems import KEYS
from evenhand.suite.recipes import FIELDS
from evenhand.suite.yaml_lines import Document

WHOLE = [k for k in SuiteDeclaration.model_fields if k not in ("suite", "problems", "methods")]
HOW_CHANGE = 'write e.g. `changes=["seeds=1", "problems.selection=null"]`'
SHOWN = 60
"""Characters of a change that are quoted where it is refused."""
HOW_SET = "write e.g. `--set seeds=1`, `--set problems.selection=null` or `--set recipe.epochs=40`"


def changed(document: Document, changes: Sequence[str]) -> Document:
    """The document with these changes. Raises `SpecError` for a path that no change can have."""
    if not changes or not isinstance(document.data, dict):
        return document
    data = copy.deepcopy(document.data)
    made: dict[KeyPath, str] = {}
    for text in changes:
        if not isinstance(text, str):
            raise SpecError(
                [Mistake(f"changes: {text!r} is not a text PATH=VALUE", (), HOW_CHANGE)]
            )
        path, value = _parsed(text)
        for where in _apply(data, path, value, text):
            made[where] = text
    return replace(document, data=data, changes=made)


def _parsed(text: str) -> tuple[list[str], Any]:
    path, equals, value = text.partition("=")
    steps = path.strip().split(".")
    if not equals or not value.strip() or not all(steps):
        raise SpecError([Mistake(f"--set {text}: is not PATH=VALUE", (), HOW_SET)])
    try:
        return steps, load_value(value)
    except Refused as error:
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
        raise SpecError([error.mistake], [f"--set {shown}"]) from None
    except yaml.YAMLError:
        raise SpecError([Mistake(f"--set {text}: {value!r} is not a value of YAML")]) from None


def _apply(data: dict[str, Any], path: list[str], value: Any, text: str) -> Iterator[KeyPath]:
    """Make one change in place. Yields the paths of the values that it sets."""
    match path:
        case [key] if key in WHOLE:
            data[key] = value
            yield (key,)
        case ["recipe", field] if field in FIELDS:
            name = _set(data, "recipe", field, value)
            yield "recipe", name, field
            for i, entry in enumerate(data.get("problems") or ()):
                own = _settings(entry)
                if own is not None and own.get("recipe"):
                    inner = _set(own, "recipe", field, value)
                    yield "problems", i, next(iter(entry)), "recipe", inner, field
        case ["problems", key]:
            entries = data.get("problems") or []
            for i in range(len(entries)):
                yield "problems", i, _set(entries, i, key, value), key
        case _:
            raise SpecError([_unknown(path, text)])


def _set(holder: Any, place: str | int, key: str, value: Any) -> str:
    """Set a key of the named part at a place, `name` or `{name: settings}`. Gives the name."""
    given = holder[place] if isinstance(place, int) else holder.get(place)
    if isinstance(given, dict) and len(given) == 1:
        [(name, settings)] = given.items()
        settings = dict(settings or {}) if isinstance(settings, dict | None) else {}
    else:
        name, settings = str(given), {}
    holder[place] = {name: settings | {key: value}}
    return str(name)


def _settings(entry: Any) -> dict[str, Any] | None:
    """The settings of an entry such as `{cifar10: {profile: exp}}`; None if it has none."""
    inner = next(iter(entry.values()), None) if isinstance(entry, dict) else None
    return inner if isinstance(inner, dict) else None


def _unknown(path: list[str], text: str) -> Mistake:
    known = [*WHOLE, *(f"problems.{key}" for key in KEYS), *(f"recipe.{name}" for name in FIELDS)]
    said = suggest(".".join(path), known, "path")
    what = f"--set {text}: a suite has no {'.'.join(path)!r} that can be set"
    return Mistake(what, (), HOW_SET, said.hint)
