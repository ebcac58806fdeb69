"""Settings of a part: the parameters of its function, with their types and defaults."""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError

from evenhand.declared.base import advice, format_scalar
from evenhand.errors import Mistake, SpecError


@dataclass(frozen=True)
class Setting:
    """One setting of a part, a parameter of its function."""

    name: str
    """Name of the parameter."""
    annotation: Any
    """Type of the parameter, with its constraints."""
    default: Any
    """Default value, or `inspect.Parameter.empty`."""

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty

    @property
    def type_name(self) -> str:
        """The type without its constraints, such as `tuple[float, ...]`."""
        return _in_words(self.annotation)

    def __str__(self) -> str:
        if self.required:
            return f"{self.name}: {self.type_name}"
        return f"{self.name}: {self.type_name} = {format_scalar(self.default)}"

    def check(self, value: Any) -> JsonValue:
        """The value in its declared type, without conversion except of a list to a tuple.

        Raises `ValueError` with the correction.
        """
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(self.annotation)
            parsed = adapter.validate_json(json.dumps(value, allow_nan=False), strict=True)
        except ValidationError as error:
            raise ValueError(advice(error.errors()[0])) from None
        except TypeError:
            raise ValueError(f"cannot be a {type(value).__name__}") from None
        except ValueError:
            raise ValueError("write a finite number") from None
        return typing.cast("JsonValue", adapter.dump_python(parsed, mode="json"))


def settings_of(
    part: str, make: Callable[..., Any], left_out: Collection[str] = ()
) -> dict[str, Setting]:
    """The settings of a function or a class by name, in the order of the signature.

    part      kind and name of the part, for messages
    left_out  parameters that are no settings

    Raises `SpecError` for a type that does not exist, and for parameters without a name.
    """
    every = inspect.signature(make).parameters.values()
    parameters = [parameter for parameter in every if parameter.name not in left_out]
    # The annotations of a class are those of its attributes.
    function = inspect.getattr_static(make, "__init__") if isinstance(make, type) else make
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise SpecError(f"{part}: the type of a setting: {error}") from None
    if loose := [str(p) for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]:
        what = f"{part} takes {', '.join(loose)}"
        raise SpecError([Mistake(what, (), "name each setting in the signature")])
    return {p.name: Setting(p.name, hints.get(p.name, Any), p.default) for p in parameters}


def _in_words(annotation: Any) -> str:
    """A type without its constraints: `tuple[float, ...]`, `str | None`."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _in_words(args[0])
    if origin is typing.Literal:
        return " | ".join(map(repr, args))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(_in_words, args))
    if annotation in (None, type(None), ...):
        return "..." if annotation is ... else "None"
    if origin is not None:
        return f"{origin.__name__}[{', '.join(map(_in_words, args))}]"
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
