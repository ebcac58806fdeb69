"""Descriptions of the fields of a class, from the text below each field or the class docstring."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Literal, get_args, get_origin

from evenhand_docs.docstrings import blocks, fields


def documented_fields(cls: type) -> dict[str, str]:
    """The description of each field by name; fields without one are left out."""
    return _in_docstring(cls) | _below_fields(cls)


def summary(cls: type) -> str:
    """Docstring of a class without its list of fields."""
    text = inspect.getdoc(cls) or ""
    kept = [block.lines for block in blocks(text) if block.kind != "fields"]
    return "\n\n".join("\n".join(lines) for lines in kept)


def _in_docstring(cls: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in blocks(inspect.getdoc(cls) or ""):
        if block.kind == "fields":
            for names, said in fields(block.lines):
                found |= {name.strip(): said for name in names.split(",")}
    return found


def _below_fields(cls: type) -> dict[str, str]:
    [tree] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, after in zip(tree.body, tree.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and is_text and isinstance(field.target, ast.Name):
            found[field.target.id] = inspect.cleandoc(str(after.value.value))
    return found


PLAIN_TYPES = {
    "int": "whole number",
    "float": "number",
    "str": "text",
    "bool": "true or false",
    "Part": "name, or name with settings",
    "Named": "name, or name with settings",
}


def type_name(annotation: Any) -> str:
    """A type in the words of a suite file, such as `number`, `list of text` or `auto, fp32`."""
    origin, args = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return type_name(args[0])
    if origin is tuple:
        n = "" if args[-1] is Ellipsis else f" {len(args)}:"
        return f"list of{n} {type_name(args[0])}"
    if origin is dict:
        return f"mapping from {type_name(args[0])} to {type_name(args[1])}"
    if origin is Literal:
        return ", ".join(f"`{_lower(arg)}`" for arg in args)
    if args:
        return " or ".join(type_name(arg) for arg in args)
    name = "null" if annotation is type(None) else annotation.__name__
    return PLAIN_TYPES.get(name, f"`{name.lower()}`")


def _lower(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
