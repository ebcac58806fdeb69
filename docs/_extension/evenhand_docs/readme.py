"""Tables of methods and other parts in `README.md`; run this file to write them again."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve()
README = HERE.parents[3] / "README.md"
KINDS = {"optimizer": "optimiser", "mixing": "mixing", "metric": "metric"}
"""Kinds of parts in the second table, by what they are called there."""


def method_table() -> str:
    """The methods of the package by paper: name, paper, and what training changes."""
    from evenhand.declared.registry import REGISTRY
    from evenhand_docs.composition import changes

    rows = [(e.name, e.cite, changes(e.make())) for e in REGISTRY.all("method")]
    return _table("methods", "what training changes", rows)


def part_table() -> str:
    """The optimisers, the mixings and the metrics that have a source: name, paper and kind."""
    from evenhand.declared.registry import REGISTRY

    rows = [(e.name, e.cite, KINDS[kind]) for kind in KINDS for e in REGISTRY.all(kind) if e.cite]
    return _table("other parts", "kind", rows)


def _table(first: str, last: str, parts: Iterable[tuple[str, str, str]]) -> str:
    """Rows of name, source and description; parts with the same of both are in one row."""
    from evenhand_docs.bibliography import references

    rows: dict[tuple[str, str], list[str]] = {}
    for name, cite, what in parts:
        rows.setdefault((references()[cite].short, what), []).append(f"`{name}`")
    lines = [f"| {first} | paper | {last} |", "| --- | --- | --- |"]
    ordered = sorted(rows.items(), key=lambda row: (row[0][0].split()[-1], row[0]))
    lines += [f"| {' '.join(names)} | {paper} | {what} |" for (paper, what), names in ordered]
    return "\n".join(lines)


TABLES = {"methods": method_table, "parts": part_table}
"""Makers of the tables, by the names in the comments around them."""


def with_tables(text: str) -> str:
    """The README with its tables replaced."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
