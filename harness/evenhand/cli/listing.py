"""`evenhand list KIND`: the names that a suite can use."""

from __future__ import annotations

from typing import Annotated

import typer

from evenhand.cli.index import Kind
from evenhand.cli.options import AsJson, Plugins, load_plugins
from evenhand.cli.tables import print_parts
from evenhand.errors import Mistake, SpecError, suggest


def _kinds(begin: str) -> list[str]:
    """The kinds that a shell may complete."""
    return [kind for kind in Kind if kind.startswith(begin)]


def list_parts(
    # Not an enumeration, which typer would print on one line of 97 characters.
    kind: Annotated[
        str,
        typer.Argument(metavar="KIND", help=f"One of {', '.join(Kind)}.", autocompletion=_kinds),
    ],
    json: AsJson = False,
    plugin: Plugins = None,
) -> None:
    """List the parts that a suite can name.

    Each part is printed with its settings, their defaults and its source.
    """
    if kind not in {*Kind}:
        said = suggest(kind, [*map(str, Kind)], "kind")
        raise SpecError([Mistake(f"no kind is called {kind!r}", (), said.right, said.hint)])
    print_parts(kind, json=json, plugins=bool(load_plugins(plugin)))
