"""YAML that knows on which line each value stands, and refuses what YAML lets slip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.errors import Mistake, SpecError

Where = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file and the line of every value by its path in the file."""

    path: str
    data: Any
    lines: dict[Where, int]

    def place(self, where: Where) -> str:
        """`suites/x.yaml:22`, of the nearest enclosing value that the file has."""
        for end in range(len(where), -1, -1):
            if where[:end] in self.lines:
                return f"{self.path}:{self.lines[where[:end]]}"
        return self.path

    def error(self, mistakes: list[Mistake]) -> SpecError:
        """All mistakes with their places, in the order of their lines."""
        placed = sorted(
            ((self.lines_of(m.where), m, self.place(m.where)) for m in mistakes), key=lambda x: x[0]
        )
        return SpecError([m for _, m, _ in placed], [p for _, _, p in placed])

    def lines_of(self, where: Where) -> int:
        return int(self.place(where).rpartition(":")[2]) if self.lines else 0


def read(path: str | Path) -> Document:
    """Parse a file. Raises `SpecError` with the line of what is not YAML."""
    shown = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(f"{shown}: cannot be read: {reason}") from None
    return parse(text, shown)


def parse(text: str, path: str) -> Document:
    """Parse a text. Raises `SpecError` as `read` does."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise SpecError(f"{path}: is empty; a suite begins with `suite: NAME`")
        lines: dict[Where, int] = {}
        mistakes: list[tuple[int, str]] = []
        _walk(node, (), lines, mistakes)
        if mistakes:
            places = [f"{path}:{line}" for line, _ in mistakes]
            raise SpecError([Mistake(what) for _, what in mistakes], places)
        return Document(path, yaml.safe_load(text), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        at_fault = text.splitlines()[line - 1] if line <= len(text.splitlines()) else ""
        tab = "\t" in at_fault
        hint = "indent with spaces: YAML does not allow tabs" if tab else (error.context or "")
        what = f"is not YAML: {error.problem}"
        raise SpecError(
            [Mistake(what, (), f"the line reads {at_fault.strip()!r}", hint)], [f"{path}:{line}"]
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        raise SpecError(f"{path}: is not YAML: {error}") from None


def _walk(
    node: yaml.Node, where: Where, lines: dict[Where, int], mistakes: list[tuple[int, str]]
) -> None:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _walk(item, (*where, i), lines, mistakes)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in seen:
                mistakes.append((line, f"{name!r} is given twice, first on line {seen[name]}"))
            seen[name] = line
            lines[(*where, name)] = line
            _walk(value, (*where, name), lines, mistakes)
