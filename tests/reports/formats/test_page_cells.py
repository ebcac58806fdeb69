"""Problems with groups: every cell of class and group with its size and its accuracies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.recall_and_curves import recall_figure
from evenhand_reports.formats import html, trial
from evenhand_reports.formats.page_cells import MOST_CELLS, cell_table
from tests.records import make_record
from tests.reports.formats.test_html import Page
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import make_suite

PROBLEM = "cifar10-exp-100"
TRAIN = [[3498, 184], [56, 1057]]
"""Waterbirds: [landbird, waterbird] × [land, water]."""

RIGHT = [[0.99, 0.8], [0.6, 0.9]]


def waterbirds(made: Record, right: list[list[float]] = RIGHT) -> Record:
    """The record with names and counts of 100 test images a cell."""
    counts = np.zeros((2, 2, 2), dtype=np.int64)
    for label in range(2):
        for group in range(2):
            correct = round(100 * right[label][group]) + made.trial.seed
            counts[group, label, label] = correct
            counts[group, label, 1 - label] = 100 - correct
    grouped = make_record(trial=made.trial, counts=counts, classes=2, groups=2, train=TRAIN)
    assert grouped.data is not None
    names = {"classes": ("landbird", "waterbird"), "groups": ("land", "water")}
    return grouped.model_copy(update={"data": grouped.data.model_copy(update=names)})


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    suite = make_suite(["ERM", "DRO"], seeds=2)
    return build_from(suite, [waterbirds(make_record(trial=t)) for t in suite.trials.values()])


def table(board: Leaderboard) -> dict[str, Any]:
    found = cell_table(board, PROBLEM)
    assert found is not None
    return found


def test_rows_are_cells_from_the_largest_to_the_smallest(board: Leaderboard) -> None:
    rows = table(board)["rows"]

    assert [(row["name"], row["train"], row["test"]) for row in rows] == [
        ("landbird, land", "3,498", "100"),
        ("waterbird, water", "1,057", "100"),
        ("landbird, water", "184", "100"),
        ("waterbird, land", "56", "100"),
    ]
    assert table(board)["titles"] == ["ERM", "DRO"]
    assert rows[3]["values"][0]["last"] == "60.50 ± 0.71"


def test_the_figure_is_of_cells_too(board: Leaderboard) -> None:
    figure = recall_figure(board, PROBLEM)

    assert figure is not None
    assert figure["classes"][-1] == "waterbird, land"
    assert figure["rules"]["last"]["erm"] == [0.995, 0.905, 0.805, 0.605]


def test_problems_of_one_group_have_no_such_table(small: Leaderboard) -> None:
    assert cell_table(small, small.problems[0]) is None
    assert "Accuracy by class and group" not in Page(html.render(small)).words


def test_of_many_cells_the_smallest_are_in_the_table() -> None:
    suite = make_suite(["ERM"], seeds=1)
    records = [make_record(trial=t, groups=4) for t in suite.trials.values()]
    found = table(build_from(suite, records))

    assert len(found["rows"]) == MOST_CELLS
    assert f"{MOST_CELLS} of 40 cells with the fewest training examples" in found["note"]


def test_the_page_has_the_table(board: Leaderboard) -> None:
    page = Page(html.render(board))

    assert page.open == []
    assert "Accuracy by class and group, head to tail" in page.words
    assert "waterbird, land 56 100" in page.words


def test_a_trial_names_its_groups_and_its_smallest_cell() -> None:
    shown = text_of(trial.render(waterbirds(make_record())))

    assert "land, water" in shown
    assert "smallest cell waterbird, land: 56" in " ".join(shown.split())
    assert all(len(line) <= 80 for line in shown.splitlines())
