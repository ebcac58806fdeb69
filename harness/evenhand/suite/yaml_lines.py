"""YAML with the line of each value, and with errors for duplicate keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import yaml

from evenhand.declared.input_files import read_input
from evenhand.errors import KeyPath, Mistake, SpecError
from evenhand.suite.plain_yaml import Loader, Refused

BOOLEAN_KEY = (
    "a key is {key}, for which `on` was written: YAML 1.1, as in PyYAML, reads `on` as true"
)
MOST_BYTES = 256 * 1024
"""Size of a suite file; PyYAML reads this much in a second."""
SUITE = re.compile(
    r"""^[ \t{'"]*(?:suite|question|problems|methods|metrics|primary|baseline)['"]?[ \t]*:""",
    re.MULTILINE,
)
"""A key by which a text is meant as a suite."""
QUOTED_CHARACTERS = 100
"""Characters of a line that are quoted."""
NO_SUITE = "is not a suite, which begins with `suite: NAME`"
QUOTED = "write `on:`, or quote it where another program reads the file: `'on':`"


@dataclass(frozen=True)
class Document:
    """A parsed file with the line of every value."""

    path: str
    """Path of the file, as given."""
    data: Any
    """Parsed data."""
    lines: dict[KeyPath, int]
    """Line of every value by its path of keys."""
    changes: Mapping[KeyPath, str] = field(default_factory=dict)
    """Changes of `--set` by the path of the value that they set."""

    def place(self, where: KeyPath) -> str:
        """File and line of the nearest enclosing value, `suites/x.yaml:22`.

        A value that `--set` gives has no line. Other values may be wrong because of the changes.
        """
        ends = range(len(where), -1, -1)
        for end in ends:
            if where[:end] in self.changes:
                return f"--set {self.changes[where[:end]]}"
        for end in ends:
            if where[:end] in self.lines:
                return f"{self.path}:{self.lines[where[:end]]}{self._with_changes}"
        return f"{self.path}: {key_path(where)}" if where else self.path

    @property
    def _with_changes(self) -> str:
        return "".join(f" with --set {text}" for text in dict.fromkeys(self.changes.values()))

    def error(self, mistakes: list[Mistake]) -> SpecError:
        """All mistakes with their places, in the order of their lines."""
        # One change of `--set` may be a mistake on several problems.
        distinct = {m.render(self.place(m.where)): m for m in mistakes}.values()
        placed = sorted(
            ((self.lines_of(m.where), m, self.place(m.where)) for m in distinct), key=lambda x: x[0]
        )
        return SpecError([m for _, m, _ in placed], [p for _, _, p in placed])

    def lines_of(self, where: KeyPath) -> int:
        """Line of the nearest enclosing value; 0 for data that are from no line of a file."""
        line = self.place(where).removesuffix(self._with_changes).rpartition(":")[2]
        return int(line) if self.lines and line.isdigit() else 0


def key_path(where: KeyPath) -> str:
    """A place in nested data: `methods[1].vs.tau`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in where]
    return "".join(parts).removeprefix(".")


def plain_data(value: Any) -> Any:
    """A value of a Python program as YAML would give it: lists for tuples, numbers for NumPy's.

    >>> import numpy as np
    >>> plain_data({"seeds": (0, 1), "ratio": np.float64(0.5)})
    {'seeds': [0, 1], 'ratio': 0.5}
    """
    if isinstance(value, Mapping):
        if True in value:
            raise SpecError([Mistake(BOOLEAN_KEY.format(key="True"), (), QUOTED)])
        return {str(key): plain_data(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | range):
        return [plain_data(inner) for inner in value]
    if hasattr(value, "tolist"):
        return _plain_array(value)
    return str(value) if isinstance(value, PurePath) else value


def _plain_array(value: Any) -> Any:
    """Numbers of an array or a tensor; those of single precision as they are written."""
    numbers = value.tolist()
    if "float16" not in str(value.dtype) and "float32" not in str(value.dtype):
        return numbers

    def shortened(number: Any) -> Any:
        # 0.1 in float32 is 0.10000000149 in float64, which would be another setting.
        return [*map(shortened, number)] if isinstance(number, list) else float(f"{number:.7g}")

    return shortened(numbers)


def read(path: str | Path) -> Document:
    """Parse a file. Raises `SpecError` with the line that is not YAML."""
    shown = str(path)
    try:
        data = read_input(Path(path), most=MOST_BYTES)
    except OSError as error:
        raise SpecError(f"{shown}: cannot be read: {error.strerror}") from None
    try:
        return parse(data.decode("utf-8-sig"), shown)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise SpecError(f"{shown}:{line}: is not text in UTF-8") from None


def parse(text: str, path: str) -> Document:
    """Parse a text. Raises `SpecError` as `read` does.

    Of a text that is meant as something else, such as a private key, no line is quoted.
    """
    try:
        return _parsed(text, path)
    except SpecError:
        is_empty = all(line.strip()[:1] in ("", "#") for line in text.splitlines())
        if is_empty or is_meant_as_suite(text):
            raise
        raise SpecError(f"{path}: {NO_SUITE}") from None


def is_meant_as_suite(text: str) -> bool:
    """Whether a line of a text begins with a key that every suite has."""
    return SUITE.search(text) is not None


def _parsed(text: str, path: str) -> Document:
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise SpecError(f"{path}: is empty; a suite begins with `suite: NAME`")
        lines: dict[KeyPath, int] = {}
        mistakes: list[tuple[int, Mistake]] = []
        _walk(node, (), lines, mistakes)
        if mistakes:
            places = [f"{path}:{line}" for line, _ in mistakes]
            raise SpecError([mistake for _, mistake in mistakes], places)
        return Document(path, loader.construct_document(node), lines)
    except Refused as error:
        raise SpecError([error.mistake], [f"{path}:{error.line}"]) from None
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text, path) from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise SpecError(f"{path}:{line}: is not text: it holds {error.character:#04x}") from None


def _not_yaml(error: yaml.MarkedYAMLError, text: str, path: str) -> SpecError:
    """The error with the line, its text, and a hint for common mistakes."""
    problem, context = error.problem or "", error.context or ""
    mark, hint = error.problem_mark, ""
    if problem.startswith("but "):
        problem = f"{context}, {problem}"
    elif context.startswith("while parsing a flow") and error.context_mark:
        hint = f"is the bracket of line {error.context_mark.line + 1} closed?"
    elif problem == "could not find expected ':'":
        problem, mark = "a ':' is missing", error.context_mark
    elif problem.startswith("mapping values"):
        hint = "check the indentation; a text with ': ' in it needs quotes"
    row = min(mark.line if mark else 0, text.count("\n"))
    at_fault = text.split("\n")[row].rstrip()[:QUOTED_CHARACTERS]
    if "\t" in at_fault:
        hint = "use spaces: YAML does not allow tabs here"
    if re.search("[<>]=", at_fault):
        hint = 'a bound in a list needs quotes, `["recall[3] >= 0.6"]`, or a line of its own, `- …`'
    reads = f"the line reads {at_fault!r}"
    return SpecError([Mistake(f"is not YAML: {problem}", (), reads, hint)], [f"{path}:{row + 1}"])


def _walk(
    node: yaml.Node, where: KeyPath, lines: dict[KeyPath, int], mistakes: list[tuple[int, Mistake]]
) -> None:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _walk(item, (*where, i), lines, mistakes)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if key.tag == "tag:yaml.org,2002:bool" and name.lower() == "true":
                mistakes.append((line, Mistake(BOOLEAN_KEY.format(key=name), (), QUOTED)))
            if name in seen:
                what = f"{name!r} is given twice, first on line {seen[name]}"
                mistakes.append((line, Mistake(what)))
            seen[name] = line
            lines[(*where, name)] = line
            _walk(value, (*where, name), lines, mistakes)
