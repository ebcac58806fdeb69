"""What a board shows over its problems, from records to every format."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest

from evenhand.suite.only import restrict
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.across_figures import critical_diagram, profile_figure
from evenhand_reports.formats import across_csv, html, latex, markdown, terminal
from evenhand_reports.wording.across import across_notes
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import around, make_suite, scored, without

MEANS = {"erm": 0.65, "la": 0.72, "vs": 0.721}
TWO = ({}, {"profile": "step"})
SETS = ("cifar10", "cifar100", "digits", "svhn", "mnist", "fashion_mnist", "stl10", "emnist")


def board_of(problems: Any = TWO, **fields: Any) -> Leaderboard:
    suite = make_suite(problems=problems, **fields)
    return build_from(suite, scored(suite, around(MEANS, sd=0.004)))


def test_means_and_differences_are_taken_at_each_seed() -> None:
    board = board_of()
    values = {
        row: np.mean([board.score(board.results[row, p]).values for p in board.problems], axis=0)
        for row in board.rows
    }

    for row, by_seed in values.items():
        assert board.across.means[row].mean == pytest.approx(by_seed.mean())
        assert board.across.means[row].sd == pytest.approx(by_seed.std(ddof=1))
    gap = values["la"] - values["erm"]
    assert board.across.differences["la"].mean == pytest.approx(gap.mean())
    assert board.across.differences["la"].sd == pytest.approx(gap.std(ddof=1))
    assert "erm" not in board.across.differences


def test_ranks_count_the_rows_that_are_complete_on_every_problem() -> None:
    suite = make_suite(problems=TWO)
    records = without(scored(suite, around(MEANS, sd=0.004)), "vs", 2)
    board = build_from(suite, records)

    assert board.across.rows == ("erm", "la")
    assert {row: rank.mean for row, rank in board.across.ranks.items()} == {"erm": 2, "la": 1}


def test_a_part_of_the_rows_has_the_ranks_of_the_whole_suite() -> None:
    suite = make_suite(problems=TWO)
    records = scored(suite, around(MEANS, sd=0.004))
    part = build_from(restrict(suite, ["method=erm"]), records)

    assert part.across.ranks["erm"] == build_from(suite, records).across.ranks["erm"]


def test_problems_of_one_data_set_are_counted_once() -> None:
    board = board_of()

    assert board.across.n_data_sets == 1
    notes = " ".join(across_notes(board))
    assert "The 2 problems are made from 1 data set" in notes
    assert "only from 7 data sets on, and this suite has 1" in notes
    assert critical_diagram(board) is None


def test_enough_data_sets_have_a_diagram_in_every_figure_format() -> None:
    board = board_of([{"problem": name} for name in SETS])
    diagram = critical_diagram(board)

    assert board.across.critical is not None
    assert diagram is not None
    assert [label.text.split(" ")[0] for label in diagram.labels[2:]] == ["ERM"]
    assert "figure-critical-differences.tex" in latex.files(board)
    assert 'class="critical"' in html.render(board)
    assert board.across.critical.ranks[0] == 3


def test_problems_of_different_metrics_have_average_ranks_alone() -> None:
    primary = {"*-exp-*": "balanced_accuracy", "*-step-*": "min_recall"}
    board = board_of(primary=primary)

    assert set(board.across.ranks) == set(MEANS)
    assert not board.across.means
    assert profile_figure(board) is None
    notes = " ".join(across_notes(board))
    assert "Each rank is by the metric of its problem." in notes
    assert "no mean over problems and no performance profile" in notes


def test_a_suite_of_one_problem_has_no_section() -> None:
    board = board_of(({},))

    assert not board.across.ranks
    assert across_csv.csv_text(board) == ""
    assert "Across problems" not in html.render(board)
    assert "across-problems.tex" not in latex.files(board)


def test_without_two_complete_rows_the_page_gives_the_reason() -> None:
    suite = make_suite(problems=TWO)
    records = [r for r in scored(suite, around(MEANS)) if r.trial.method.name == "erm"]
    board = build_from(suite, records)

    assert across_notes(board) == [
        "Fewer than two rows are complete on every problem, so nothing is compared over problems."
    ]
    assert "nothing is compared over problems" in html.render(board)
    assert "Across problems" not in markdown.render(board)


def test_the_profile_is_the_share_of_pairs_within_each_difference() -> None:
    board = board_of([{"ratio": ratio} for ratio in (10, 50, 100)])
    figure = profile_figure(board)

    assert figure is not None
    for line in figure["lines"]:
        regrets = board.across.regrets[line["row"]].ravel()
        assert len(regrets) == 15
        assert line["y"][0] == pytest.approx((regrets < 1e-9).mean(), abs=1e-4)
        assert line["y"] == sorted(line["y"])
    assert sum(line["y"][0] for line in figure["lines"]) >= 0.999


def test_every_format_shows_the_average_rank_with_its_interval(small: Leaderboard) -> None:
    low, high = small.across.ranks["erm"].interval or (0, 0)
    shown = f"[{low:.2f}, {high:.2f}]"
    rows = list(csv.DictReader(io.StringIO(across_csv.csv_text(small))))

    assert shown in html.render(small)
    assert shown in markdown.render(small).replace("\\", "")
    assert shown in latex.files(small)["across-problems.tex"].replace("{", "").replace("}", "")
    assert {row["row"]: float(row["rank_low"]) for row in rows}["erm"] == low
    assert float(rows[-1]["mean"]) == small.across.means[rows[-1]["row"]].mean


def test_the_terminal_shows_the_table_over_problems(small: Leaderboard) -> None:
    text = text_of(terminal.render(small), width=200)

    assert "across problems" in text
    assert "average rank" in text
