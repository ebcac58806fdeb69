"""Small pieces of MyST Markdown that the generated pages share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from evenhand.declared.registry import Registered
from evenhand.declared.setting import Setting

NOTE = "<!-- Generated from the code by docs/_extension; changes here are lost. -->"


def page(title: str, intro: str, *parts: str) -> str:
    """A whole page."""
    return "\n\n".join([NOTE, f"# {title}", intro, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table. Each cell is put on one line, and a bar inside of it is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def plain(given: Any) -> str:
    """A single value as a suite writes it: 1.0 is 1, and True is true."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, float) and float(f"{given:g}") == given:
        return f"{given:g}"
    return str(given)


def value(given: Any) -> str:
    """A default value as a suite writes it."""
    if given is None:
        return "`null`"
    if isinstance(given, list | tuple):
        return f"`[{', '.join(_item(item) for item in given)}]`"
    return f"`{plain(given)}`" if given != "" else '`""`'


def _item(given: Any) -> str:
    return f"[{', '.join(map(_item, given))}]" if isinstance(given, list | tuple) else plain(given)


def settings(entry: Registered) -> str:
    """The settings of a part with types and defaults."""
    if not entry.settings:
        return "No settings."
    rows = [_setting(setting) for setting in entry.settings.values()]
    return table(("setting", "type", "default"), rows)


def _setting(setting: Setting) -> tuple[str, str, str]:
    default = "required" if setting.required else value(setting.default)
    return f"`{setting.name}`", f"`{setting.type_name}`", default
