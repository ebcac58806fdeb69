"""Settings that several methods have in common, declared once as a dataclass.

    @dataclass(frozen=True)
    class Robustness:
        eta: float = 0.01
        adjustment: float = 0.0

    @method(cite="sagawa2020distributionally")
    @with_shared_settings
    def dro(robustness: Robustness = Robustness()) -> Method: ...

The settings of this method are `eta` and `adjustment`, exactly as if its signature listed them.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Iterator
from inspect import Parameter
from typing import Any, TypeVar

R = TypeVar("R")


def with_shared_settings(function: Callable[..., R]) -> Callable[..., R]:
    """Replace each parameter that is annotated with a dataclass by the fields of the dataclass."""
    hints: dict[str, Any] = typing.get_type_hints(function, include_extras=True)
    own = inspect.signature(function).parameters.values()
    shared = {p.name: hints[p.name] for p in own if dataclasses.is_dataclass(hints[p.name])}
    flat = [p for parameter in own for p in _parameters(parameter, hints[parameter.name])]
    signature = inspect.Signature(flat)

    @functools.wraps(function)
    def with_flat_settings(*args: Any, **given: Any) -> R:
        bound = signature.bind(*args, **given)
        bound.apply_defaults()
        values = dict(bound.arguments)
        for name, group in shared.items():
            fields = [field.name for field in dataclasses.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        return function(**values)

    with_flat_settings.__signature__ = signature  # type: ignore[attr-defined]
    with_flat_settings.__annotations__ = {p.name: p.annotation for p in flat}
    return with_flat_settings


def _parameters(parameter: Parameter, hint: Any) -> Iterator[Parameter]:
    if not dataclasses.is_dataclass(hint):
        yield parameter.replace(annotation=hint)
        return
    hints = typing.get_type_hints(hint, include_extras=True)
    for field in dataclasses.fields(hint):
        kind, annotation = parameter.kind, hints[field.name]
        yield Parameter(field.name, kind, default=field.default, annotation=annotation)
