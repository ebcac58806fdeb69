"""`evenhand schema`: a JSON Schema of suite files, for editors."""

from __future__ import annotations

from evenhand.cli.options import Plugins, load_plugins
from evenhand.cli.output import print_json


def schema(plugin: Plugins = None) -> None:
    """Print a JSON Schema of suite files, for editors.

    It holds every registered name with its settings.
    """
    from evenhand.suite.schema import suite_schema

    load_plugins(plugin)
    print_json(suite_schema())
