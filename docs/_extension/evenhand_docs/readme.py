"""Table of methods in `README.md`; run this file to write it again."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
README = HERE.parents[3] / "README.md"
BEGIN, END = "<!-- methods: begin -->", "<!-- methods: end -->"


def method_table() -> str:
    """The methods of the package by paper: name, paper, and what training changes."""
    from evenhand.declared.registry import REGISTRY
    from evenhand_docs.bibliography import references
    from evenhand_docs.composition import changes

    rows: dict[tuple[str, str], list[str]] = {}
    for entry in REGISTRY.all("method"):
        key = (references()[entry.cite].short, changes(entry.make()))
        rows.setdefault(key, []).append(f"`{entry.name}`")
    lines = ["| methods | paper | what training changes |", "| --- | --- | --- |"]
    ordered = sorted(rows.items(), key=lambda row: (row[0][0].split()[-1], row[0]))
    lines += [f"| {' '.join(names)} | {paper} | {what} |" for (paper, what), names in ordered]
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The README with its table replaced."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{method_table()}\n{END}{after}"


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parents[1]))
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
