"""The common shape of everything that is declared, and its canonical JSON."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue


class Spec(BaseModel):
    """A frozen declaration; a key that nobody reads is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Part(Spec):
    """A registered part by name, with every setting filled in."""

    name: str
    version: int = 1
    settings: dict[str, JsonValue] = {}

    def __str__(self) -> str:
        return call(self.name, self.settings)


def call(name: str, settings: dict[str, JsonValue]) -> str:
    """`vs(tau=1.25, gamma=0.3)`: how a part is written where people read it."""
    if not settings:
        return name
    return f"{name}({', '.join(f'{k}={plain(v)}' for k, v in settings.items())})"


def plain(value: JsonValue) -> str:
    """A setting's value as a person writes it: 1.0 is 1, 0.30000000000000004 stays."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def canonical(value: Any) -> str:
    """One JSON text for one meaning: sorted keys, no spaces, and no field that is None.

    A field that is None is left out, so that a part may gain an optional field later without
    changing the key of any trial that does not use it.
    """
    dumped = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(_without_none(dumped), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_none(v) for v in value]
    return value
