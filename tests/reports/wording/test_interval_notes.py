"""The notes on intervals: their scale, their coverage, and the n of each statement."""

from __future__ import annotations

from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.interval_notes import interval_notes
from evenhand_reports.wording.summary import compared_size, sample_size
from evenhand_reports.wording.verdicts import verdict_lines
from tests.reports.suites import around, make_suite, scored, without

MEANS = {"erm": 0.65, "la": 0.72, "vs": 0.721}


def board_of(**fields: Any) -> Leaderboard:
    suite = make_suite(**fields)
    return build_from(suite, scored(suite, around(MEANS)))


def test_the_scale_and_the_bounds_of_the_intervals_are_stated() -> None:
    board = board_of(metrics=["mcc"], primary="mcc")

    assert "logit of the mean, so that they stay between -100 % and 100 %" in footnotes(board)[0]
    assert "between 0 % and 100 %" in footnotes(board_of())[0]


def test_coverage_below_the_level_is_stated_where_n_is_small() -> None:
    few, many = board_of(seeds=3), board_of(seeds=12)

    assert "at n = 3, those of strongly skewed scores cover the mean less often than 95 %" in (
        " ".join(interval_notes(few))
    )
    assert not any("skewed" in note for note in interval_notes(many))


def test_simulated_figures_are_those_of_their_level_alone() -> None:
    text = " ".join(interval_notes(board_of(alpha=0.1)))

    assert "less often than 90 %" in text
    assert "exponential" not in text


def test_an_interval_without_width_is_explained() -> None:
    suite = make_suite()
    equal = build_from(suite, scored(suite, lambda trial: 0.7))

    assert any("all seeds have the same score" in note for note in interval_notes(equal))
    assert not any("same score" in note for note in interval_notes(board_of()))


def test_a_table_without_brackets_has_no_note_on_intervals() -> None:
    assert "logit" not in " ".join(footnotes(board_of(), shows="means"))


def test_each_statement_names_the_n_that_was_used() -> None:
    suite = make_suite()
    records = scored(suite, around(MEANS))
    torn = build_from(suite, without(without(records, "la", 4), "la", 3))

    assert sample_size(torn) == "n = 5, and n = 3 where marked †"
    assert compared_size(torn) == "n = 3 or 5"
    [problem] = torn.problems
    assert {line.pair.split(" ")[0]: line.n for line in verdict_lines(torn, problem)} == {
        "VS": "5",
        "LA†": "3",
    }
