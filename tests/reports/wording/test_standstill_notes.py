"""Methods that adapted nothing, under the table of every format."""

from __future__ import annotations

import pytest

from evenhand.declared.course import StageCourse
from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats.trial import render
from evenhand_reports.wording.standstill_notes import standstill_notes
from tests.records import make_record
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import make_suite
from tests.reports.wording.test_record_notes import shown_by

NONE = StageCourse(first_epoch=1, epochs=5, steps=27, updates=0)
ONCE = NONE.model_copy(update={"updates": 1, "first_update": 1})
SECOND = StageCourse(first_epoch=6, epochs=5, steps=27, errors=0, examples=400)
FOUND = SECOND.model_copy(update={"errors": 7})
MOVED = NONE.model_copy(update={"updates": 3, "first_update": 1, "moved": {"l": 0.1, "delta": 0.0}})
NO_NOTES: list[str] = []


def board_of(stages: dict[str, tuple[StageCourse, ...]], seeds: int = 3) -> Leaderboard:
    suite = make_suite(["ERM", "JTT", "CSL"], seeds=seeds)
    records = [_record(trial, stages) for trial in suite.trials.values()]
    return build_from(suite, records)


def _record(trial: object, stages: dict[str, tuple[StageCourse, ...]]) -> Record:
    record = make_record(trial=trial)  # type: ignore[arg-type]
    found = stages.get(f"{record.trial.method.name} {record.trial.seed}", ())
    return record.model_copy(update={"stages": found})


def test_a_first_network_without_errors_is_told_with_its_seeds() -> None:
    board = board_of({"jtt 0": (MOVED, SECOND), "jtt 1": (MOVED, FOUND), "jtt 2": (MOVED, SECOND)})
    [note] = standstill_notes(board, board.problems)
    assert note == (
        f"JTT on {board.problems[0]} at 2 of 3 seeds: the earlier network misclassifies no "
        "training example, so that stage 2 draws all of them equally often."
    )
    shown = shown_by(board)
    assert len(shown) >= 5
    assert all(note.rstrip(".") in text for text in shown.values()), shown.keys()


@pytest.mark.parametrize(
    ("course", "reason"),
    [
        (NONE, "stage 1 makes no update on held-out data in 27 steps"),
        (ONCE, "stage 1 makes its only update on held-out data before its first of 27 steps"),
        (MOVED, ""),
        (MOVED.model_copy(update={"moved": {"l": 0.0}}), "the learned values (l) of stage 1"),
    ],
)
def test_a_stage_without_updates_is_told_once_for_all_seeds(
    course: StageCourse, reason: str
) -> None:
    board = board_of({f"csl {seed}": (course,) for seed in range(3)})
    notes = standstill_notes(board, board.problems)
    assert [reason in note and "seeds" not in note for note in notes] == [True] * bool(reason)


def test_records_of_earlier_versions_have_no_note() -> None:
    board = board_of({})
    assert standstill_notes(board, board.problems) == NO_NOTES


def test_a_posthoc_method_that_changes_nothing_is_told() -> None:
    suite = make_suite(["ERM", "LA"], seeds=2)
    records = [
        make_record(trial=t).model_copy(update={"changed": 0 if t.method.name == "la" else 3})
        for t in suite.trials.values()
    ]
    board = build_from(suite, records)
    [note] = standstill_notes(board, board.problems)
    assert note.startswith("LA on ") and "changes no prediction" in note


def test_a_record_shows_what_its_stages_did() -> None:
    record = make_record().model_copy(update={"stages": (MOVED, SECOND)})
    text = " ".join(text_of(render(record)).split())
    assert "stage 1 5 epochs, 27 steps; updates on held-out data: 3, the first before" in text
    assert "largest movement: l 0.1, delta 0" in text
    assert "errors of the earlier network: 0 of 400; note: the earlier network" in text
