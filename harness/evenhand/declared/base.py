"""The base class of all declarations, their canonical JSON, and values in messages."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_core import ErrorDetails

ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


class Spec(BaseModel):
    """Base class of declarations: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy with some fields replaced.

        Cached properties of the original are not copied, because they belong to the old fields.
        """
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def __iter__(self) -> Generator[tuple[str, Any], None, None]:
        """The fields with their values; cached properties are not among them."""
        yield from ((name, getattr(self, name)) for name in type(self).model_fields)

    @cached_property
    def text(self) -> str:
        """Canonical JSON, which is made once for all trials that share the declaration."""
        return canonical(self)


class Part(Spec):
    """A registered part by name, with every setting filled in."""

    name: str
    """Registered name of the part."""
    version: int = 1
    """Version of the part, which is raised when its results change."""
    code: str | None = None
    """Digest of the plugin file of the part; None for a part of a package."""
    settings: dict[str, JsonValue] = {}
    """Value of every setting, defaults included."""

    def __str__(self) -> str:
        return format_part(self.name, self.settings)


def format_part(name: str, settings: dict[str, JsonValue]) -> str:
    """A part as a call, `vs(tau=1.25, gamma=0.3)`, without settings that are None."""
    given = {k: v for k, v in settings.items() if v is not None}
    if not given:
        return name
    return f"{name}({', '.join(f'{k}={format_scalar(v)}' for k, v in given.items())})"


def format_scalar(value: JsonValue) -> str:
    """A setting's value in its shortest exact form: 1.0 as `1`, true as `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


_ADVICE = {
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "finite_number": "write a finite number",
    "bool_type": "write true or false",
    "string_type": "write text",
    "tuple_type": "write a list",
    "list_type": "write a list",
    "dict_type": "write a mapping",
    "model_type": "write a mapping",
    "literal_error": "write {expected}",
    "greater_than_equal": "write at least {ge:g}",
    "greater_than": "write more than {gt:g}",
    "less_than_equal": "write at most {le:g}",
    "less_than": "write less than {lt:g}",
    "too_short": "write a list of at least {min_length}",
    "too_long": "write a list of at most {max_length}",
    "missing": "a required value is missing",
    "string_pattern_mismatch": "write letters, digits, '.', '_' and '-', a letter or digit first",
}


def advice(error: ErrorDetails) -> str:
    """The correction for a value that pydantic refuses: "write a whole number"."""
    said = error["msg"].removeprefix("Value error, ")
    template = _ADVICE.get(error["type"])
    if template is None:
        return said[:1].lower() + said[1:]
    said = template.format(**error.get("ctx", {}))
    return {"write True": "write true", "write False": "write false"}.get(said, said)


def quote_value(value: Any) -> str:
    """A value as it stands in a YAML file, for messages: "nothing" for null, `true` for True."""
    if value is None:
        return "nothing"
    return format_scalar(value) if isinstance(value, bool) else repr(value)


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, and no field that is None.

    Equal declarations have equal texts. Fields that are None are left out, so that a later version
    can add an optional field without a change of the keys of trials that do not use it.
    """
    dumped = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return ENCODER.encode(_without_none(dumped))


def canonical_object(fields: Mapping[str, str | None]) -> str:
    """Canonical JSON of an object, from that of its fields; a field that is None is left out.

    >>> canonical_object({"b": "1", "a": canonical({"c": None}), "d": None})
    '{"a":{},"b":1}'
    """
    given = [f'"{name}":{fields[name]}' for name in sorted(fields) if fields[name] is not None]
    return f"{{{','.join(given)}}}"


def canonical_fields(spec: Spec) -> dict[str, str | None]:
    """Canonical JSON of each field of a declaration; None for a field that is None.

    A field is a declaration or holds none.
    """
    return {name: _text(getattr(spec, name)) for name in type(spec).model_fields}


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value.text if isinstance(value, Spec) else canonical(value)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_none(v) for v in value]
    return value
