"""The page on the Python API: one directive of autodoc for each public name."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import evenhand
from evenhand_docs.docstrings import to_markdown
from evenhand_docs.markup import page

FIRST = (
    "open_suite",
    "open_store",
    "plan",
    "run",
    "leaderboard",
    "to_frame",
    "to_curves",
    "separation",
    "Suite",
    "Board",
)
"""Names in the order of their use; the others follow by the alphabet."""

DECORATORS = ("method", "dataset", "backbone", "metric", "recipe", "posthoc", "profile")
HIDDEN = ("__version__",)


def public_api() -> str:
    """Every name that `import evenhand` offers, with its docstring."""
    intro = (
        "`import evenhand as eh` is what a notebook or a script uses; the command line is a thin "
        "layer over it. The import takes a fraction of a second and loads neither torch nor Ray "
        "nor pandas; they are imported where they are used."
    )
    public = [name for name in evenhand.__all__ if name not in HIDDEN]
    names = [*FIRST, *(name for name in public if name not in FIRST)]
    found = {name: getattr(evenhand, name) for name in names}
    modules = {name: thing for name, thing in found.items() if inspect.ismodule(thing)}
    errors = {n for n, thing in found.items() if _is_class(thing, BaseException)}
    classes = {n for n, thing in found.items() if inspect.isclass(thing)} - errors
    decorators = {n for n in found if n in DECORATORS}
    functions = found.keys() - modules.keys() - errors - classes - decorators
    parts = [
        _section("Functions", "autofunction", _kept(names, functions)),
        _section("Decorators", "autofunction", _kept(names, decorators)),
        _section("Classes", "autoclass", _kept(names, classes)),
        _section("Exceptions", "autoexception", _kept(names, errors)),
        *(_module(name, module) for name, module in modules.items()),
    ]
    return page("Python API", intro, *parts)


def _kept(names: Iterable[str], wanted: Iterable[str]) -> list[str]:
    kept = set(wanted)
    return [name for name in names if name in kept]


def _is_class(thing: Any, base: type) -> bool:
    return inspect.isclass(thing) and issubclass(thing, base)


def _section(title: str, directive: str, names: Iterable[str]) -> str:
    return f"## {title}\n\n{_directives(directive, 'evenhand', names)}"


def _module(name: str, module: ModuleType) -> str:
    """A public module: its docstring, and each of its public functions and classes."""
    text = to_markdown(inspect.getdoc(module) or "")
    public = list(getattr(module, "__all__", ()))
    functions = [inner for inner in public if inspect.isfunction(getattr(module, inner))]
    classes = [inner for inner in public if inspect.isclass(getattr(module, inner))]
    path = f"evenhand.{name}"
    parts = [f"## `{path}`", text, _directives("autofunction", path, functions)]
    return "\n\n".join([*parts, _directives("autoclass", path, classes)])


def _directives(directive: str, path: str, names: Iterable[str]) -> str:
    if not names:
        return ""
    members = "   :members:\n   :exclude-members: model_config\n"
    options = members if directive == "autoclass" else ""
    lines = "\n".join(f".. {directive}:: {path}.{name}\n{options}" for name in names)
    return f"```{{eval-rst}}\n{lines}\n```"
