"""The page's table of cells, for problems with groups: training size and accuracy of each cell."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import RULES, DataSummary, Record
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.row_order import drawn_results
from evenhand_reports.figures.recall_and_curves import cell_accuracies
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.wording import formatting

MOST_CELLS = 24
"""Of more cells, the table shows those with the fewest training images."""

NOTE = "Accuracy in percent on test data, mean ± sample standard deviation over seeds."
MOST_CELLS_NOTE = " The table shows the {kept} of {n} cells with the fewest training examples."
ROWS_NOTE = " It shows {columns} of {n} rows."


class Cell(NamedTuple):
    """One class in one group."""

    label: int
    group: int
    name: str
    train: int
    """Number of training examples."""

    test: int
    """Number of test examples."""


def cell_table(board: Leaderboard, problem: str) -> dict[str, Any] | None:
    """The cells by falling training size, with the accuracies of the rows that the figures draw.

    {titles, rows: [{name, train, test, values: [{rule: text}]}], note}; None without groups.
    """
    results = drawn_results(board, problem)
    records = [record for result in results for record in result.usable_records]
    record = next((r for r in records if r.data and len(r.data.groups) > 1), None)
    if record is None or record.data is None:
        return None
    cells = cells_of(record.data, record)
    kept = cells[-MOST_CELLS:]
    accuracies = {
        (s.row, rule): [cell_accuracies(e.counts) for e in s.test_evaluations(rule)]
        for s in results
        for rule in RULES
    }
    return {
        "titles": [result.title for result in results],
        "rows": [
            {
                "name": cell.name,
                "train": f"{cell.train:,}",
                "test": f"{cell.test:,}",
                "values": [
                    {rule: _text(board, accuracies[s.row, rule], cell) for rule in RULES}
                    for s in results
                ],
            }
            for cell in kept
        ],
        "note": _note(board, len(cells), len(kept), len(results)),
    }


def cells_of(data: DataSummary, record: Record) -> list[Cell]:
    """Every cell that has training or test examples, by falling training size."""
    train = data.train_counts
    evaluation = next((e for e in record.evaluations if e.split == "test"), None)
    test = np.zeros_like(train) if evaluation is None else evaluation.counts.sum(2).T
    cells = [
        Cell(i, j, f"{label}, {group}", int(train[i, j]), int(test[i, j]))
        for i, label in enumerate(data.classes)
        for j, group in enumerate(data.groups)
        if train[i, j] or test[i, j]
    ]
    return sorted(cells, key=lambda cell: -cell.train)


def _text(board: Leaderboard, runs: list[Float[np.ndarray, "classes groups"]], cell: Cell) -> str:
    values = [float(run[cell.label, cell.group]) for run in runs]
    known = [value for value in values if np.isfinite(value)]
    return formatting.mean_sd(estimate(known, alpha=board.suite.alpha) if known else None)


def _note(board: Leaderboard, n: int, kept: int, columns: int) -> str:
    return (
        NOTE
        + (MOST_CELLS_NOTE.format(kept=kept, n=n) if kept < n else "")
        + (
            ROWS_NOTE.format(columns=columns, n=len(board.rows))
            if columns < len(board.rows)
            else ""
        )
    )
