"""Rows that train on the held-out images as well, under the table of every format."""

from __future__ import annotations

from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.wording.held_out_notes import held_out_notes
from tests.records import make_record
from tests.reports.wording.test_record_notes import shown_by
from tests.suite.suite_text import resolved

SUITE = """\
suite: pooled
question: Which rows have the held-out images?
seeds: 3
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
val: {fraction: 0.2}
problems: [digits: {profile: exp, ratio: 10}, digits: {profile: step, ratio: 10}]
"""
POOLED = (
    "{rows} on {problems}: the final network is trained on the held-out images as well. Numbers of "
    "training images do not include them."
)
BOTH = "digits-exp-10 and digits-step-10"


def board_of(methods: str, recipe: str = "digits") -> Leaderboard:
    suite = resolved(f"{SUITE}methods: {methods}\nrecipe: {recipe}\n")
    return build_from(suite, [make_record(trial=trial) for trial in suite.trials.values()])


def notes_of(board: Leaderboard) -> list[str]:
    return held_out_notes(board, board.problems)


def test_a_retraining_on_all_images_is_noted_in_every_format() -> None:
    board = board_of("[erm, autobalance]")

    [note] = notes_of(board)
    assert note == POOLED.format(rows="AutoBalance", problems=BOTH)
    shown = shown_by(board)
    assert len(shown) >= 5
    said = note.removeprefix(f"AutoBalance on {BOTH}")
    assert all("AutoBalance on digits-" in text and said in text for text in shown.values())


def test_a_retraining_on_the_training_images_alone_has_no_note() -> None:
    assert notes_of(board_of("[erm, autobalance: {retrain_on: train}]")) == []


def test_a_recipe_that_trains_all_rows_on_held_out_images_is_noted_once() -> None:
    board = board_of("[erm, la, autobalance]", "{digits: {train_on: all}}")

    assert notes_of(board) == [POOLED.format(rows="All rows", problems=BOTH)]


def test_a_head_that_is_fitted_on_held_out_images_is_noted() -> None:
    board = board_of("[erm, dfr]")

    assert notes_of(board) == [f"DFR on {BOTH}: the head is fitted again, on the held-out images."]


def test_rows_that_train_on_the_training_images_have_no_note() -> None:
    assert notes_of(board_of("[erm, la]")) == []
