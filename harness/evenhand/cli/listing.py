"""`evenhand list KIND`: what there is to name in a suite."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evenhand.cli.options import AsJson, Plugins, load_plugins
from evenhand.cli.output import console, print_json

if TYPE_CHECKING:
    from evenhand.declared.registry import Registered


_KEYS = (
    "\nBeside its settings, a method's entry in a suite may say `as` (what its rows are called), "
    "`recipe` (fields of the recipe that they replace), `on` (settings and fields problem by "
    "problem), `posthoc` (a map on the trained network), `teacher` (a method whose network's "
    "predictions are the labels) and `sample` (how many settings are drawn)."
)


class Kind(StrEnum):
    """What can be listed."""

    suites = "suites"
    methods = "methods"
    posthoc = "posthoc"
    datasets = "datasets"
    backbones = "backbones"
    metrics = "metrics"
    recipes = "recipes"
    profiles = "profiles"
    schedules = "schedules"
    augmentations = "augmentations"


def list_parts(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    json: AsJson = False,
    plugin: Plugins = None,
) -> None:
    """List what a suite can name, with settings and defaults."""
    load_plugins(plugin)
    rows = _suites() if kind is Kind.suites else _entries(kind.value.removesuffix("s"))
    if json:
        print_json(rows)
        return
    _print_table(rows)
    if kind is Kind.methods:
        console().print(_KEYS, style="dim")


def _suites() -> list[dict[str, Any]]:
    from evenhand.suite.declaration import load, shipped
    from evenhand.suite.yaml_lines import read

    rows = []
    for name, path in shipped().items():
        suite = load(read(path))
        rows.append(
            {"name": name, "version": suite.version, "question": suite.question, "cost": suite.cost}
        )
    return rows


def _entries(kind: str) -> list[dict[str, Any]]:
    from evenhand.declared.registry import REGISTRY

    return [_row(entry) for entry in REGISTRY.all(kind)]


def _row(entry: Registered) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "settings": {
            s.name: {
                "type": s.type_name,
                "required": s.required,
                "default": None if s.required else s.default,
            }
            for s in entry.settings.values()
        },
        "cite": entry.cite,
        "version": entry.version,
        "aliases": list(entry.aliases),
        "summary": entry.summary,
        **{k: v for k, v in entry.facts.items() if isinstance(v, str | int | tuple)},
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    for row in rows:
        aliases = f"  (also {', '.join(row['aliases'])})" if row.get("aliases") else ""
        cite = f"  [{row['cite']}]" if row.get("cite") else ""
        out.print(Text.assemble((row["name"], "bold cyan"), aliases, (cite, "dim")))
        summary = row.get("summary") or row.get("question", "")
        out.print(Padding(Text(summary), (0, 0, 0, 4)))
        if row.get("settings"):
            settings = ", ".join(_setting(k, v) for k, v in row["settings"].items())
            out.print(Padding(Text(settings, style="green"), (0, 0, 0, 4)))


def _setting(name: str, setting: dict[str, Any]) -> str:
    if setting["required"]:
        return f"{name}: {setting['type']}, required"
    if setting["default"] is None:
        return f"{name} = null"
    return f"{name} = {setting['default']}"
