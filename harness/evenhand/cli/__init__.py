"""The command `evenhand`: one module for each verb. Slow packages are imported where needed."""

from evenhand.cli.start import main

__all__ = ["main"]
