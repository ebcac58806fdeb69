"""The printed numbers: all there, and numbers."""

from __future__ import annotations

import pytest

from evenhand_reports.papers import published
from tests.records import make_trial


def test_all_rows_of_the_eleven_tables_are_there() -> None:
    rows = published.rows()

    assert len(rows) == 499
    assert len({(row.paper, row.table) for row in rows}) == 11
    assert len(published.rows(also_repositories=True)) == 601


def test_values_are_fractions_and_dashes_are_none() -> None:
    for row in published.rows(also_repositories=True):
        assert row.value is None or 0 <= row.value <= 1
        assert row.std is None or 0 <= row.std < 0.1
    dashes = {(row.paper, row.table) for row in published.rows() if row.value is None}
    assert dashes == {("Wang et al. 2023 (DDC)", "Table 2")}


@pytest.mark.parametrize("key", published.PAPERS)
def test_papers_go_by_their_bib_key(key: str) -> None:
    rows = published.rows(paper=key, also_repositories=True)

    assert rows
    assert rows == published.rows(paper=published.PAPERS[key], also_repositories=True)


def test_a_number_is_as_printed() -> None:
    [row] = published.rows(
        paper="wang2023unified",
        dataset="CIFAR-10",
        method="VS+TLA+ADRW",
        metric="balanced_accuracy",
    )[:1]

    assert row.value is not None
    assert f"{100 * row.value:.1f}" == row.printed.split(" ± ")[0]


def test_a_problem_finds_what_is_printed_for_it() -> None:
    rows = published.numbers_for(make_trial().problem, ["kini2021label", "cao2019learning"])

    assert len(rows) == 8
    assert {(r.dataset, r.imbalance_type, r.imbalance_ratio) for r in rows} == {
        ("CIFAR-10", "LT", 100.0)
    }
    assert published.numbers_for(make_trial(problem="digits").problem, ["kini2021label"]) == []
