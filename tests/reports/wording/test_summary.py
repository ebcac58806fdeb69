"""The answer in one sentence claims no more than the tests do."""

from __future__ import annotations

from typing import Any

import pytest

from evenhand.suite.only import restrict
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.summary import choices
from tests.reports.suites import Rows, around, make_suite, scored


def board_of(means: dict[str, float], *, drop: int = 0, **fields: Any) -> Leaderboard:
    suite = make_suite([name.upper() for name in means], **fields)
    records = scored(suite, around(means, sd=0.004))
    return build_from(suite, records[drop:])


def test_two_methods_that_share_rank_one() -> None:
    board = board_of({"erm": 0.65, "la": 0.72, "vs": 0.721})

    text = answer(board)

    assert text.startswith(
        "VS and LA beat ERM, by 7.0 to 7.1 points. The best row is among VS and LA (95 % "
    )
    for fact in ("Moderated paired t-tests", "Holm", "α = 0.05", "n = 5"):
        assert fact in text


def test_one_method_alone_in_front() -> None:
    text = answer(board_of({"erm": 0.65, "la": 0.68, "vs": 0.75}))

    assert text.startswith("VS and LA beat ERM, by 3.0 to 10.0 points. The best row is VS")


def test_the_baseline_in_front() -> None:
    text = answer(board_of({"erm": 0.80, "vs": 0.70}))

    assert text.startswith("No row beat ERM. VS did worse than ERM, by 10.0 points.")


def test_no_difference_beyond_chance() -> None:
    text = answer(board_of({"erm": 0.7, "la": 0.7, "vs": 0.7}))

    assert text.startswith("No row beat ERM. No difference to ERM is decided (")


def test_one_seed_answers_nothing_and_says_why() -> None:
    board = board_of({"erm": 0.65, "vs": 0.75}, seeds=1)

    assert answer(board).startswith("Nothing can be compared: with n = 1")
    assert "No test is possible at n = 1: a paired test needs n ≥ 2." in " ".join(footnotes(board))


def test_several_problems_are_counted() -> None:
    board = board_of({"erm": 0.65, "la": 0.68, "vs": 0.75}, problems=({}, {"profile": "step"}))

    assert answer(board).startswith(
        "VS and LA beat ERM on every problem, by 3.0 to 10.1 points. The best row of a problem "
    )


def test_what_is_incomplete_is_said() -> None:
    board = board_of({"erm": 0.65, "la": 0.72, "vs": 0.721}, drop=1)

    assert "Incomplete results (1 of 3) are not ranked." in answer(board)
    assert any("1 of 15 trials have no usable record" in note for note in footnotes(board))


def test_everything_incomplete_ranks_nothing() -> None:
    board = board_of({"erm": 0.65}, drop=1)

    assert (
        answer(board) == "Nothing can be compared yet. Incomplete results (1 of 1) are not ranked."
    )


def test_the_footnote_states_n_the_test_alpha_and_what_plus_minus_means(small: Leaderboard) -> None:
    text = " ".join(footnotes(small))

    for part in (
        "mean ± sample standard deviation over seeds, n = 5",
        "The declared comparisons (2 on each problem), those with ERM, are tested by two-sided",
        "moderated paired t-tests",
        "Holm-corrected on each problem at α = 0.05",
        "The best row is among them with 95 % confidence",
        "Student-t intervals at 95 %",
        "higher is better",
        "at the last epoch",
    ):
        assert part in text


def test_what_was_chosen_is_said_with_its_validation_score(torn: Leaderboard) -> None:
    lines = choices(torn, torn.problems[0])

    assert len(lines) == 1
    assert "tau=1, chosen from 2 settings, of which 1 had a validation score" in lines[0]
    assert "mean validation score 72.54" in lines[0]


@pytest.mark.parametrize(
    ("means", "says"),
    [
        (("erm", "la"), "(1), those with ERM, are tested by two-sided paired t-tests"),
        (("erm", "la", "vs"), "(2), those with ERM, are tested by two-sided moderated paired"),
        (("la", "vs", "cdt"), "The suite declares no comparison."),
    ],
)
def test_the_declared_comparisons_and_their_test_are_named(
    means: tuple[str, ...], says: str
) -> None:
    board = board_of(dict.fromkeys(means, 0.7))

    assert says in footnotes(board)[1]


def test_families_have_their_declared_size_where_records_are_missing() -> None:
    suite = make_suite(problems=({}, {"profile": "step"}))
    records = scored(suite, around({"erm": 0.65, "la": 0.72, "vs": 0.721}))
    first = next(r for r in records if r.trial.method.name == "erm")
    board = build_from(suite, [r for r in records if r is not first])

    assert [verdicts.family for verdicts in board.verdicts.values()] == [2, 2]
    assert "The declared comparisons (2 on each problem), those with ERM" in footnotes(board)[1]
    assert any("its comparisons count in the correction" in note for note in footnotes(board))


SELECTING: Rows = {"ERM": [{}], "LA": [{"tau": 0.5}, {"tau": 1.0}, {"tau": 2.0}]}


@pytest.mark.parametrize(
    ("rows", "only", "says"),
    [
        (None, "method=erm", "5 of 15 trials, 1 of 3 rows."),
        (None, "seed=0..1", "6 of 15 trials, 2 of 5 seeds."),
        (SELECTING, "method=la(tau=1)", "5 of 20 trials, 1 of 4 rows."),
        (SELECTING, "problem=cifar10*", ""),
    ],
)
def test_a_part_of_a_suite_says_that_it_is_one(rows: Rows | None, only: str, says: str) -> None:
    whole = make_suite(rows or ["ERM", "LA", "VS"])
    suite = restrict(whole, [only])
    board = build_from(suite, scored(suite, lambda trial: 0.7))
    notes = [note for note in footnotes(board) if "a part of the suite" in note]

    assert len(notes) == bool(says)
    assert all(f"This report covers a part of the suite: {says}" in note for note in notes)


def test_a_part_with_something_of_everything_is_a_part_too() -> None:
    suite = restrict(make_suite(), ["method=erm", "seed=0"])
    board = build_from(suite, scored(suite, lambda trial: 0.7))

    assert "a part of the suite: 7 of 15 trials." in footnotes(board)[-1]


def test_a_choice_among_some_of_the_settings_says_so() -> None:
    suite = restrict(make_suite(SELECTING, select={}), ["method=erm", "tau=0.5"])
    board = build_from(suite, scored(suite, lambda trial: 0.7))

    note = footnotes(board)[-1]

    assert "a part of the suite: 10 of 20 trials, 2 of 4 settings." in note
    assert "Settings were chosen among those of this part alone." in note


def test_two_entries_of_one_method_are_no_part() -> None:
    board = board_of({"erm": 0.65, "vs": 0.7}, methods=["erm", "la", "vs"])

    assert not any("a part of the suite" in note for note in footnotes(board))


def test_a_row_that_scatters_too_much_to_be_placed_is_marked_and_not_bold() -> None:
    noise = {
        "erm": [0.0, 0.01, -0.01, 0.0, 0.0],
        "la": [0.30, -0.30, 0.25, -0.28, 0.03],
        "vs": [0.01, 0.01, -0.02, 0.0, 0.0],
    }
    means = {"erm": 0.60, "la": 0.55, "vs": 0.80}
    suite = make_suite(["ERM", "LA", "VS"])
    records = scored(suite, lambda t: means[t.method.name] + noise[t.method.name][t.seed])
    board = build_from(suite, records)

    assert [s.is_bold for s in board.on(board.problems[0])] == [True, False, False]
    assert "VS, and LA, which scatters too much to be placed (§)" in answer(board)
    assert any(note.startswith("§ Incomparable") for note in footnotes(board))
