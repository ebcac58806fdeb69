"""The readable part of a suite with wrong types, so that its names are checked as well."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.yaml_lines import Document

UNREADABLE = "?"
"""Placeholder for a name that could not be read; checks ignore it."""

_LISTS = ("problems", "methods", "metrics")
_REQUIRED: dict[str, Any] = {
    "suite": "unread",
    "question": UNREADABLE,
    "problems": [UNREADABLE],
    "methods": [UNREADABLE],
    "recipe": UNREADABLE,
    "seeds": 1,
    "metrics": [UNREADABLE],
    "primary": UNREADABLE,
    "baseline": UNREADABLE,
}


def readable_part(document: Document) -> SuiteDeclaration | None:
    """The suite with `UNREADABLE` for names that cannot be read; None if too little is left."""
    if not isinstance(document.data, dict):
        return None
    given = {k: v for k, v in document.data.items() if k in SuiteDeclaration.model_fields}
    data: dict[str, Any] = json.loads(json.dumps(_REQUIRED | given, default=str))
    for _ in SuiteDeclaration.model_fields:
        try:
            return SuiteDeclaration.model_validate_json(json.dumps(data))
        except ValidationError as error:
            for key, *inner in [e["loc"] for e in error.errors()]:
                _give_up(data, str(key), inner)
    return None


def _give_up(data: dict[str, Any], key: str, inner: list[int | str]) -> None:
    if key in _LISTS and inner and isinstance(inner[0], int):
        data[key][inner[0]] = UNREADABLE
    elif key in _REQUIRED:
        data[key] = _REQUIRED[key]
    else:
        data.pop(key, None)
