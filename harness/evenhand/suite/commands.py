"""Command lines in messages: each works when it is copied, with the options of the call.

Options that an environment variable gives are not repeated: EVENHAND_RESULTS, EVENHAND_DATA.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import NamedTuple

from evenhand.declared.plugin import loaded_plugins
from evenhand.suite.resolve import Suite

RESULTS, DATA = "EVENHAND_RESULTS", "EVENHAND_DATA"
DEFAULT_RESULTS, DEFAULT_EDITION = "results", "main"
PYTHON = {"run": "run", "plan": "plan", "status": "plan", "report": "leaderboard"}
"""The functions of `evenhand` that do what a command does, for a suite that was built in Python."""


class Place(NamedTuple):
    """Where a command reads and writes, as the user named it."""

    location: str = ""
    """Location of the store; "" for the default."""
    edition: str = DEFAULT_EDITION
    """Edition of the store."""
    data: str | Path | None = None
    """Folder of prepared data sets; None for the default."""

    @property
    def options(self) -> list[str]:
        """`--results`, `--edition` and `--data`, as far as they are not the defaults."""
        usual = os.environ.get(RESULTS) or DEFAULT_RESULTS
        words = ["--results", self.location] if self.location not in ("", usual) else []
        words += ["--edition", self.edition] if self.edition != DEFAULT_EDITION else []
        if self.data is not None and str(self.data) != os.environ.get(DATA):
            words += ["--data", str(self.data)]
        return words


HERE = Place()
"""The default store and the default folder of data."""


def suite_command(verb: str, suite: Suite, *more: str, place: Place = HERE) -> str:
    """The command that does something with a suite: `evenhand run mine.yaml --edition night`.

    It has the suite's filters (`--only`) and the plugins that are loaded. more are further options.
    For a suite that was built in Python it is a call in Python.
    """
    if not suite.source:
        store = [repr(place.location)] if place.location else []
        if place.edition != DEFAULT_EDITION:
            given = ", ".join([*store, f"edition={place.edition!r}"])
            store = [f"evenhand.open_store({given})"]
        return f"evenhand.{PYTHON.get(verb, verb)}({', '.join(['suite', *store])})"
    words = ["evenhand", verb, suite.source]
    words += [word for text in suite.only for word in ("--only", text)]
    words += [word for plugin in loaded_plugins() for word in ("--plugin", plugin.path)]
    return shlex.join([*words, *place.options, *more])


def store_command(verb: str, *more: str, place: Place = HERE) -> str:
    """The command that reads a store, such as `evenhand show KEY --results other`."""
    return shlex.join(["evenhand", verb, *more, *place.options])
