"""Notes on rows whose final network or head is trained on the held-out images as well."""

from __future__ import annotations

from collections.abc import Iterable

from evenhand.declared.held_out import trained_on, trains_on_held_out
from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.errors import EvenhandError
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Result
from evenhand_reports.wording.summary import MOST_ROWS, join_names

POOLED = (
    "{rows} on {problems}: the final network is trained on the held-out images as well. Numbers of "
    "training images do not include them."
)
REFITTED = "{rows} on {problems}: the head is fitted again, on the held-out images."


def held_out_notes(board: Leaderboard, problems: Iterable[str]) -> list[str]:
    """A sentence for each set of rows that have the held-out images for training."""
    found: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        notes = {result.row: _note(result) for result in board.on(problem)}
        for template in (POOLED, REFITTED):
            rows = [title for row, title in board.rows.items() if notes.get(row) == template]
            is_all = len(rows) == len(notes) > 1
            if rows:
                named = "All rows" if is_all else join_names(rows, most=MOST_ROWS)
                found.setdefault((template, named), []).append(problem)
    return [
        template.format(rows=rows, problems=join_names(names))
        for (template, rows), names in found.items()
    ]


def _note(result: Result) -> str:
    """The sentence that applies to a row; "" for a row that is trained on training images alone.

    It is "" as well for a method that is not registered or no longer accepts the trial's settings:
    a report reads old records and the records of plugins.
    """
    trial = result.configuration.trials[0]
    try:
        method: Method = REGISTRY.make("method", trial.method)
    except EvenhandError:
        return ""
    if method.refits_on_held_out:
        return REFITTED
    return POOLED if trains_on_held_out(trained_on(method, trial.recipe.train_on)) else ""
