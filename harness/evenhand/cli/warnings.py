"""Warnings of `plan` and `validate`: methods and warm-ups that have no effect as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenhand.cli.output import console

if TYPE_CHECKING:
    from evenhand.cli.readings import OwnData
    from evenhand.suite.resolve import Suite


def find_warnings(suite: Suite, own: dict[str, OwnData]) -> list[str]:
    """The sentences; `own` gives the counts of problems on files of the user's own."""
    from evenhand.suite.standstill import find_standstills, idle_warmups

    counts = {name: found.summary.train_counts for name, found in own.items() if found.summary}
    return [*map(str, find_standstills(suite, counts)), *idle_warmups(suite)]


def print_warnings(texts: list[str]) -> None:
    """Print each warning on one line."""
    for text in texts:
        console().print(f"warning: {text}", style="yellow", soft_wrap=True, markup=False)
