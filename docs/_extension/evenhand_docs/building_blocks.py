"""Reference page on the parts of methods: losses, vectors, samplers, reductions, refits."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import evenhand.losses
import evenhand.refits
import evenhand.sampling
from evenhand_docs.docstrings import to_markdown
from evenhand_docs.markup import page

FIRST = ("evenhand.losses.vector_scaling", "evenhand.losses.per_class", "evenhand.losses.per_cell")
"""Modules that others build on; they come first."""


def building_blocks() -> str:
    """Every public declaration of these modules with its docstring, which holds its formula."""
    intro = (
        "A stage of a method is built from the declarations on this page. Each is a frozen "
        "dataclass without tensors; its docstring gives its formula. {doc}`/how-to/own-method` and "
        "{doc}`/how-to/own-loss` show how they are combined."
    )
    return page("Losses and other parts of methods", intro, *map(_module, _modules()))


def _modules() -> list[ModuleType]:
    names = [
        info.name
        for package in (evenhand.losses, evenhand.refits)
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
    ]
    ordered = [*FIRST, *(name for name in names if name not in FIRST), evenhand.sampling.__name__]
    found = [importlib.import_module(name) for name in ordered if not name.endswith("kernel")]
    return [module for module in found if list(_declarations(module))]


def _declarations(module: ModuleType) -> Iterator[type]:
    for name, cls in vars(module).items():
        is_own = inspect.isclass(cls) and cls.__module__ == module.__name__
        if is_own and dataclasses.is_dataclass(cls) and not name.startswith(("_", "Bound")):
            yield cls


def _module(module: ModuleType) -> str:
    title = module.__name__.removeprefix("evenhand.")
    text = to_markdown(inspect.getdoc(module) or "")
    return "\n\n".join([f"## `{title}`", text, *map(_class, _declarations(module))])


def _class(cls: type) -> str:
    given = ", ".join(_field(field) for field in dataclasses.fields(cls) if field.init)
    call = f"```python\n{cls.__name__}({given})\n```"
    return f"### `{cls.__name__}`\n\n{call}\n\n{to_markdown(inspect.getdoc(cls) or '')}"


def _field(field: dataclasses.Field[object]) -> str:
    if field.default is dataclasses.MISSING:
        return field.name
    return f"{field.name}={field.default!r}"
