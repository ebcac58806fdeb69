"""Index of the parts and suites that come with the package: what `evenhand list` prints.

Importing every module that registers a part takes half a second, so the rows of `evenhand list`
are stored in `index.json`. A test compares the file with the registry. After a change of a name,
a docstring's first line, a signature or a suite's question, write it anew:

    python -m evenhand.cli.index
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand.declared.registry import Registered
    from evenhand.suite.declaration import SuiteDeclaration

INDEX = Path(__file__).with_name("index.json")
Row = dict[str, Any]


class Kind(StrEnum):
    """Kinds of parts that `evenhand list` prints."""

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
    optimizers = "optimizers"
    mixings = "mixings"


def rows(kind: str, *, plugins: bool) -> list[Row]:
    """One row for each part or suite. The registry is read only where a plugin adds to it."""
    if plugins or _other_packages_add_parts():
        return from_registry(kind)
    found: list[Row] = json.loads(INDEX.read_text(encoding="utf-8"))[kind]
    return found


def from_registry(kind: str) -> list[Row]:
    """The rows of one kind as the code of this process declares them."""
    found = _suites() if kind == "suites" else _entries(kind.removesuffix("s"))
    # Through JSON, so that a row is the same whether it was stored or not.
    as_json: list[Row] = json.loads(json.dumps(found, default=str))
    return as_json


def write(path: Path = INDEX) -> None:
    """Store the rows of every kind."""
    stored = {kind: from_registry(kind) for kind in Kind}
    text = json.dumps(stored, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _other_packages_add_parts() -> bool:
    # The group of `declared.importing`, whose other imports are not needed here.
    from importlib.metadata import entry_points

    return bool(entry_points(group="evenhand"))


def _suites() -> list[Row]:
    from evenhand.suite.declaration import load, shipped
    from evenhand.suite.yaml_lines import read

    found = []
    for name, path in shipped().items():
        suite = load(read(path))
        found.append(
            {
                "name": name,
                "version": suite.version,
                "question": suite.question,
                "cost": suite.cost,
                "official_order": _in_official_order(suite),
            }
        )
    return found


def _in_official_order(suite: SuiteDeclaration) -> list[str]:
    """Names of the data sets whose official order a suite needs, because a `selection` names it."""
    named = [entry.name for entry in suite.problems if entry.settings.get("selection")]
    return list(dict.fromkeys(named))


def _entries(kind: str) -> list[Row]:
    from evenhand.declared.registry import REGISTRY

    return [_row(entry) for entry in REGISTRY.all(kind)]


def _row(entry: Registered) -> Row:
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


if __name__ == "__main__":
    write()
