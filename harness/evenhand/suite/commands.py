"""Command lines in messages: each works when it is copied, with the options of the call.

Options that an environment variable gives are not repeated: EVENHAND_RESULTS, EVENHAND_DATA.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from evenhand.declared.plugin import loaded_plugins
from evenhand.remote.urls import hidden
from evenhand.suite.resolve import Suite

RESULTS, DATA = "EVENHAND_RESULTS", "EVENHAND_DATA"
DEFAULT_RESULTS, DEFAULT_EDITION = "results", "main"
TAKE_DATA = {"run", "plan", "validate"}
"""The commands on suites that take `--data`."""
TAKE_TWO_ROWS = {"run", "plan", "report"}
"""The commands on suites that take `--until-separated`."""
PYTHON = {"run": "run", "plan": "plan", "status": "plan", "report": "leaderboard"}
"""The functions of `evenhand` that do what a command does, for a suite that was built in Python."""


class Place(NamedTuple):
    """Where a command reads and writes, as the user named it."""

    location: str = ""
    """Location of the store; "" for the default."""
    edition: str = DEFAULT_EDITION
    """Edition of the store."""
    data: str | Path | None = None
    """Folder or URL of prepared data sets; None for the default."""
    cluster: tuple[str, ...] = ()
    """Options of `run` that name where trials run; empty for a Ray on this machine."""

    separated: tuple[str, str, int] | None = None
    """The names of two rows that are to be separated, and the largest number of seeds."""

    @property
    def two_rows(self) -> list[str]:
        """`--until-separated` and `--max-seeds`, if two rows are to be separated."""
        if self.separated is None:
            return []
        first, second, most = self.separated
        return ["--until-separated", first, second, "--max-seeds", str(most)]

    @property
    def options(self) -> list[str]:
        """`--results` and `--edition`, as far as they are not the defaults."""
        usual = os.environ.get(RESULTS) or DEFAULT_RESULTS
        words = ["--results", self.location] if self.location not in ("", usual) else []
        return words + (["--edition", self.edition] if self.edition != DEFAULT_EDITION else [])

    @property
    def data_options(self) -> list[str]:
        """`--data`, if it is not the default."""
        is_usual = self.data is None or str(self.data) == os.environ.get(DATA)
        return [] if is_usual else ["--data", str(self.data)]


HERE = Place()
"""The default store and the default folder of data."""


def suite_command(verb: str, suite: Suite, *more: str, place: Place = HERE) -> str:
    """The command that does something with a suite: `evenhand run mine.yaml --edition night`.

    It has the suite's filters (`--only`) and changes (`--set`), the plugins that are loaded, and
    `--data`, the options of the cluster and `--until-separated` where the command takes them. more
    are further options without a value. For a suite that was built in Python it is a call in
    Python.
    """
    if not suite.source:
        return python_call(verb, *more, place=place)
    data = place.data_options if verb in TAKE_DATA else []
    plugins = [plugin.path for plugin in loaded_plugins()]
    cluster = place.cluster if verb == "run" else ()
    rows = place.two_rows if verb in TAKE_TWO_ROWS else []
    words = (*place.options, *data, *cluster, *rows, *more)
    return source_command(
        verb, suite.source, *words, only=suite.only, plugins=plugins, changes=suite.changes
    )


def source_command(
    verb: str,
    source: str,
    *more: str,
    only: Iterable[str],
    plugins: Iterable[str],
    changes: Iterable[str] = (),
) -> str:
    """The command for a suite of which the name is known, with its options in full."""
    words = ["evenhand", verb, source]
    words += [word for text in only for word in ("--only", text)]
    words += [word for text in changes for word in ("--set", text)]
    words += [word for path in plugins for word in ("--plugin", path)]
    return shlex.join(map(hidden, [*words, *more]))


def python_call(verb: str, *more: str, place: Place = HERE) -> str:
    """The call in Python: `evenhand.run(suite, 'other', retry_failed=True)`."""
    arguments = [repr(hidden(place.location))] if place.location else []
    if place.edition != DEFAULT_EDITION:
        given = ", ".join([*arguments, f"edition={place.edition!r}"])
        arguments = [f"evenhand.open_store({given})"]
    # Only training reads data: a plan and a leaderboard are made from records.
    if verb == "run" and place.data is not None:
        arguments.append(f"data={hidden(str(place.data))!r}")
    if verb in ("run", "plan") and place.separated is not None:
        *names, most = place.separated
        arguments += [f"until_separated={(*names,)!r}", f"max_seeds={most}"]
    arguments += [f"{option.removeprefix('--').replace('-', '_')}=True" for option in more]
    return f"evenhand.{PYTHON.get(verb, verb)}({', '.join(['suite', *arguments])})"


def store_command(verb: str, *more: str, place: Place = HERE) -> str:
    """The command that reads a store, such as `evenhand show KEY --results other`."""
    return shlex.join(["evenhand", verb, *more, *map(hidden, place.options)])
