"""`evenhand schema`: a JSON Schema of suite files, for editors."""

from __future__ import annotations

from harness.cli.options import Plugins, load_plugins
from harness.cli.output import print_json


def schema(plugin: Plugins = None) -> None:
    """Print a JSON Schema of suite files, with every name and setting there is."""
    from harness.spec.schema import suite_schema

    load_plugins(plugin)
    print_json(suite_schema())
