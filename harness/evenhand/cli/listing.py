"""`evenhand list KIND`: the names that a suite can use."""

from __future__ import annotations

from typing import Annotated

import typer

from evenhand.cli.index import Kind
from evenhand.cli.options import AsJson, Plugins, load_plugins
from evenhand.cli.tables import print_parts


def list_parts(
    kind: Annotated[Kind, typer.Argument(help="The kind of part to list.")],
    json: AsJson = False,
    plugin: Plugins = None,
) -> None:
    """List the parts that a suite can name, with settings and defaults."""
    print_parts(kind.value, json=json, plugins=bool(load_plugins(plugin)))
