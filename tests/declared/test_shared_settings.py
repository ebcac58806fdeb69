"""Settings that methods share are read and called as if each signature listed them."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import Field

from evenhand.declared.registry import Registered
from evenhand.declared.shared_settings import with_shared_settings
from evenhand.errors import SpecError


@dataclass(frozen=True)
class Shared:
    step: Annotated[float, Field(gt=0)] = 0.1
    balanced: bool = False


DEFAULT = Shared()


@with_shared_settings
def example(name: str, shared: Shared = DEFAULT, n: int = 3) -> tuple[Any, ...]:
    """An example."""
    return name, shared, n


ENTRY = Registered("method", "example", example)


def test_fields_stand_in_the_signature_where_the_dataclass_stood():
    assert list(map(str, ENTRY.settings.values())) == [
        "name: str", "step: float = 0.1", "balanced: bool = false", "n: int = 3",
    ]  # fmt: skip
    assert list(inspect.signature(example).parameters) == ["name", "step", "balanced", "n"]


def test_values_reach_the_dataclass_and_the_other_parameters():
    assert example("a") == ("a", Shared(), 3)
    assert example(name="a", n=4, step=0.5) == ("a", Shared(step=0.5), 4)
    assert example("a", 0.5, True, 4) == ("a", Shared(0.5, True), 4)


def test_the_types_of_the_fields_are_checked():
    assert ENTRY.resolve({"name": "a", "step": 2}).settings["step"] == 2.0
    with pytest.raises(SpecError, match="step = 0"):
        ENTRY.resolve({"name": "a", "step": 0})


def test_name_module_and_docstring_stay():
    assert (example.__name__, example.__module__, ENTRY.summary) == (
        "example", __name__, "An example.",
    )  # fmt: skip
