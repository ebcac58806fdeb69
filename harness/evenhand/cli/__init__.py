"""The command line: one module for each command. Slow packages are imported where needed."""

from evenhand.cli.start import main

__all__ = ["main"]
