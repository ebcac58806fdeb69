"""Message about columns that cannot be features as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from evenhand.data.files.columns import MAX_SHOWN, Columns, count
from evenhand.errors import DataError, listed

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?: [A-Za-z0-9_]+)*")
"""Names that need no quotation marks in YAML."""
WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Words that YAML takes for other values."""


@dataclass
class Refusals:
    """Columns that cannot be features, by kind, and the settings that mend it."""

    columns: Columns
    kinds: dict[str, dict[str, str]] = field(default_factory=dict)
    """For each kind the columns, each with a detail."""
    settings: dict[str, list[str]] = field(default_factory=dict)
    """Columns for each of the settings `leave_out` and `one_hot`."""
    lines: list[str] = field(default_factory=list)
    """Sentences about single columns."""
    fixes: list[str] = field(default_factory=list)
    """Further corrections."""
    named: set[str] = field(default_factory=set)
    """All of these columns."""
    may_be_named: bool = False
    """Whether some of them would be features if the suite named them so."""

    def add(self, kind: str, name: str, detail: str = "", *, fix: str = "leave_out") -> None:
        """Add a column of a kind; fix is the setting that mends it, or "" for another one."""
        self.kinds.setdefault(kind, {})[name] = detail
        if fix:
            self.settings.setdefault(fix, []).append(name)
        self.named.add(name)

    def add_line(self, name: str, line: str, *fixes: str) -> None:
        """Add a sentence about one column, and what mends it."""
        self.lines.append(line)
        self.fixes += [fix for fix in fixes if fix not in self.fixes]
        self.named.add(name)

    def raise_if_any(self) -> None:
        """Raise `DataError` with all of them, where there are any."""
        if not self.named:
            return
        total = len(self.columns.values)
        lines = [
            f"{self.columns.path}: {len(self.named):,} of {count(total, 'column')} cannot be "
            "features as they are"
        ]
        lines += [f"{kind}: {_listed(names)}" for kind, names in self.kinds.items()]
        lines += self.lines[:MAX_SHOWN]
        if len(self.lines) > MAX_SHOWN:
            lines.append(f"and {len(self.lines) - MAX_SHOWN:,} more such columns")
        settings = [f"`{setting}: {yaml_list(n)}`" for setting, n in self.settings.items()]
        if settings:
            lines.append(f"write {' and '.join(settings)}")
        if self.settings.get("one_hot"):
            lines.append("or `leave_out: …` for columns of text that are no categories")
        if self.may_be_named:
            lines.append("or name all columns of features, `features: …`, to take them as they are")
        raise DataError("\n  ".join(lines + self.fixes))


def _listed(names: dict[str, str]) -> str:
    told = [f"{name!r}{detail and f' ({detail})'}" for name, detail in names.items()]
    return listed(told, MAX_SHOWN)


def yaml_list(names: Sequence[str]) -> str:
    """Names as a list in YAML, shortened where there are many: `[id, "Unnamed: 0"]`."""
    shown = [
        name
        if PLAIN.fullmatch(name) and name.casefold() not in WORDS
        else json.dumps(name, ensure_ascii=False)
        for name in names[: 2 * MAX_SHOWN]
    ]
    return f"[{', '.join(shown)}{', …' if len(names) > 2 * MAX_SHOWN else ''}]"
