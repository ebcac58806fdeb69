"""Problems with groups: training size and accuracy of each cell of class and group."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.declared.record import RULES, DataSummary, Evaluation, Record, Rule
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.results import Standing
from evenhand_reports.figures.recall_and_curves import shown, usable
from evenhand_reports.statistics.estimate import estimate
from evenhand_reports.wording import formatting

MOST_CELLS = 24
"""Of more cells, those with the fewest training images are in the table."""


class Cell(NamedTuple):
    """One class in one group. train and test are numbers of examples, of the first whole record."""

    label: int
    group: int
    name: str
    train: int
    test: int


def cells_table(board: Leaderboard, problem: str) -> dict[str, Any] | None:
    """Rows of cells by falling training size, accuracies of each row that the figures draw.

    {titles, rows: [{name, train, test, values: [{rule: text}]}], note}; None without groups.
    """
    found = [board.standings.get((row, problem)) for row in shown(board)]
    standings = [standing for standing in found if standing is not None]
    records = [record for standing in standings for record in usable(standing)]
    record = next((r for r in records if r.data and len(r.data.groups) > 1), None)
    if record is None or record.data is None:
        return None
    cells = cells_of(record.data, record)
    kept = cells[-MOST_CELLS:]
    accuracies = {
        (s.row, rule): [_accuracies(e) for e in _evaluations(s, rule)]
        for s in standings
        for rule in RULES
    }
    return {
        "titles": [standing.title for standing in standings],
        "rows": [
            {
                "name": cell.name,
                "train": f"{cell.train:,}",
                "test": f"{cell.test:,}",
                "values": [
                    {rule: _text(board, accuracies[s.row, rule], cell) for rule in RULES}
                    for s in standings
                ],
            }
            for cell in kept
        ],
        "note": _note(board, len(cells), len(kept), len(standings)),
    }


def cells_of(data: DataSummary, record: Record) -> list[Cell]:
    """Every cell that has training or test examples, the largest in training first."""
    train = data.train_counts
    evaluation = next((e for e in record.evaluations if e.split == "test"), None)
    test = np.zeros_like(train) if evaluation is None else evaluation.counts.sum(2).T
    found = [
        Cell(label, group, f"{name}, {of}", int(train[label, group]), int(test[label, group]))
        for label, name in enumerate(data.classes)
        for group, of in enumerate(data.groups)
        if train[label, group] or test[label, group]
    ]
    return sorted(found, key=lambda cell: -cell.train)


def _evaluations(standing: Standing, rule: Rule) -> list[Evaluation]:
    found = [record.evaluation("test", rule) for record in usable(standing)]
    return [evaluation for evaluation in found if evaluation is not None]


def _accuracies(evaluation: Evaluation) -> Float[np.ndarray, "groups labels"]:
    """Of each cell; NaN for one that the split lacks."""
    counts = evaluation.counts
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.diagonal(counts, axis1=1, axis2=2) / counts.sum(2))


def _text(board: Leaderboard, runs: list[Float[np.ndarray, "groups labels"]], cell: Cell) -> str:
    values = [float(run[cell.group, cell.label]) for run in runs]
    known = [value for value in values if np.isfinite(value)]
    return formatting.mean_sd(estimate(known, alpha=board.suite.alpha) if known else None)


def _note(board: Leaderboard, n: int, kept: int, columns: int) -> str:
    text = "Accuracy in percent on test data, mean ± sample standard deviation over seeds."
    text += f" The {kept} of {n} cells with the fewest training examples." if kept < n else ""
    rows = len(board.rows)
    return text + (f" {columns} of {rows} rows." if columns < rows else "")
