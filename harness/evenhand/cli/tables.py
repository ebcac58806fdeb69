"""The output of `evenhand list`, as a table for people or as JSON."""

from __future__ import annotations

import json as json_text
from typing import Any

from evenhand.cli.index import Row, rows
from evenhand.cli.output import console, print_json

METHOD_KEYS = (
    "\nBeside its settings, a method's entry in a suite may have the keys `as` (the name of its "
    "rows), `recipe` (fields of the recipe to replace), `on` (settings and fields for single "
    "problems), `posthoc` (a post-hoc method on the trained network), `teacher` (a method whose "
    "network's predictions are the labels) and `sample` (the number of settings to draw at random)."
)

ORDER = (
    "Needs {names} in the order of the official files, which a mirror may not have; with "
    "`--set problems.selection=null` it draws its images by the seed and runs on any copy."
)


def print_parts(kind: str, *, json: bool, plugins: bool = False) -> None:
    """Print what a suite can name of one kind."""
    found = rows(kind, plugins=plugins)
    if json:
        print_json(found)
        return
    _print_table(found)
    if kind == "methods":
        console().print(METHOD_KEYS, style="dim")


def _print_table(found: list[Row]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    for row in found:
        aliases = f"  (also {', '.join(row['aliases'])})" if row.get("aliases") else ""
        cite = f"  [{row['cite']}]" if row.get("cite") else ""
        out.print(Text.assemble((row["name"], "bold cyan"), aliases, (cite, "dim")))
        summary = row.get("summary") or row.get("question", "")
        out.print(Padding(Text(summary), (0, 0, 0, 4)))
        if row.get("official_order"):
            text = ORDER.format(names=" and ".join(row["official_order"]))
            out.print(Padding(Text(text, style="dim"), (0, 0, 0, 4)))
        if row.get("cost"):
            out.print(Padding(Text(f"cost: {row['cost']}", "green"), (0, 0, 0, 4)))
        if row.get("settings"):
            settings = [_setting(k, v) for k, v in row["settings"].items()]
            for line in _lines(settings, out.width - 4):
                out.print(Padding(Text(line, style="green"), (0, 0, 0, 4)))


def _lines(settings: list[str], width: int) -> list[str]:
    """The settings with commas between them; a line is broken after a comma only."""
    lines = [""]
    for setting in settings:
        longer = f"{lines[-1]}, {setting}" if lines[-1] else setting
        # One more for the comma that a broken line ends with.
        if lines[-1] and len(longer) + 1 > width:
            lines[-1] += ","
            lines.append(setting)
        else:
            lines[-1] = longer
    return lines


def _setting(name: str, setting: dict[str, Any]) -> str:
    """`tau = 1.0`, `penalty = l1`, `drops = [0.8, 0.9]`: a default as a suite file has it."""
    if setting["required"]:
        return f"{name}: {setting['type']}, required"
    default = setting["default"]
    shown = default if isinstance(default, str) else json_text.dumps(default, ensure_ascii=False)
    return f"{name} = {shown}"
