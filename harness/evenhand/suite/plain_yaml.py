"""Loader of YAML as plain data of a bounded size, with the scalars of YAML 1.2.

A file from somebody else is data: it has no tags, and a few lines of it cannot stand for millions
of values. Each limit is far above the largest suite of this package, and is checked while the text
is read.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from evenhand.errors import Mistake

MOST_VALUES = 10_000
"""Keys and values of a file, those behind aliases counted each time that they are used."""
MOST_LEVELS = 30
"""Levels of lists and mappings in each other."""
MOST_DIGITS = 18
"""Digits of a whole number; 64-bit integers hold any such number."""


class Refused(yaml.MarkedYAMLError):
    """A text that is YAML, but no plain data, or too much of it."""

    def __init__(self, what: str, right: str, mark: yaml.Mark) -> None:
        super().__init__(problem=what, problem_mark=mark)
        self.mistake = Mistake(what, (), right)
        """The mistake, with its correction."""
        self.line = mark.line + 1
        """Line of the text."""


class Loader(yaml.SafeLoader):
    """Safe loader of plain data. Raises `Refused` where a limit of this module is exceeded.

    PyYAML reads YAML 1.1, in which the key `on` is true, 1e-3 is a word, 010 is 8 and 1:30 is 90.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = 0
        self._level = 0
        self._sizes: dict[str, int] = {}
        """Number of values behind each anchor that is complete."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Read one node, and count the values that it stands for."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        before = self._values
        mark = event.start_mark
        is_alias = isinstance(event, yaml.AliasEvent)
        if (tag := getattr(event, "tag", None)) not in (None, "!"):
            short = tag.replace("tag:yaml.org,2002:", "!!")
            raise Refused(f"a suite has no tags, and here is {short}", "leave it out", mark)
        self._level += 1
        if self._level > MOST_LEVELS:
            what = f"lists and mappings stand in each other in more than {MOST_LEVELS} levels"
            raise Refused(what, "write fewer levels", mark)
        node = super().compose_node(parent, index)
        self._level -= 1
        if is_alias and event.anchor not in self._sizes:
            what = f"the value &{event.anchor} contains itself"
            raise Refused(what, f"write a value in place of *{event.anchor}", mark)
        self._values += self._sizes[event.anchor] if is_alias else 1
        if self._values > MOST_VALUES:
            what = f"the file stands for more than {MOST_VALUES:,} values"
            right = "split the suite; a value behind an alias counts each time that it is used"
            raise Refused(what, right, mark)
        if event.anchor and not is_alias:
            self._sizes[event.anchor] = self._values - before
        is_key = isinstance(parent, yaml.MappingNode) and index is None
        if is_key and not isinstance(node, yaml.ScalarNode):
            raise Refused("a key is a list or a mapping", "write a single word", mark)
        return node

    def construct_number(self, node: yaml.ScalarNode) -> int:
        """A whole number of at most `MOST_DIGITS` digits."""
        if len(node.value.lstrip("+-")) > MOST_DIGITS:
            what = f"a whole number has {len(node.value.lstrip('+-')):,} digits"
            raise Refused(what, f"write at most {MOST_DIGITS} digits", node.start_mark)
        return int(node.value)


Loader.add_constructor("tag:yaml.org,2002:int", Loader.construct_number)
Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
):
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )


def load_value(text: str) -> Any:
    """The plain data of a text. Raises `yaml.YAMLError`."""
    return Loader(text).get_single_data()
