"""The command `evenhand`: one module a verb. What is slow to import is imported when it is used."""

from evenhand.cli.app import main

__all__ = ["main"]
