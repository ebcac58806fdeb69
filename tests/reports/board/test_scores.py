"""What each cell has and lacks, and which setting stands for a row."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import evenhand_reports
from evenhand.declared.decorators import metric
from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Suite
from evenhand_reports.board.leaderboard import build_from
from evenhand_reports.formats import terminal, trial
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.formatting import mean_sd_marked
from tests.records import make_record
from tests.reports.suites import Rows, around, make_suite, only, scored, without

MEANS = {"erm": 0.65, "la": 0.72, "vs": 0.721}
TUNED: Rows = {"ERM": [{}], "VS": [{"tau": 1.0}, {"tau": 1.25}, {"tau": 1.5}]}


def never_predicted(label: int, record: Record) -> np.ndarray:
    """The record's counts with the predictions of one class given to the first."""
    counts = record.evaluations[0].counts.copy()
    counts[0, :, 0] += counts[0, :, label]
    counts[0, :, label] = 0
    return counts


def tuned(accuracy: dict[float, float]) -> tuple[Suite, list[Record]]:
    """A suite that selects among three settings of VS, with recalls by tau."""
    suite = make_suite(TUNED, select={})

    def recall(trial: Trial) -> float:
        tau = float(str(trial.method.settings.get("tau", 0)))
        return accuracy.get(tau, 0.6) + 0.01 * trial.seed

    return suite, scored(suite, recall)


def test_a_missing_record_marks_its_cell_and_keeps_it_from_being_ranked() -> None:
    suite = make_suite()
    records = without(scored(suite, around(MEANS)), "vs", 3)
    board = build_from(suite, records)
    vs = only(board, "vs")

    assert not vs.is_complete
    assert vs.rank is None
    assert vs.to_baseline is not None
    assert vs.to_baseline.difference.n == 4
    assert vs.to_baseline.is_provisional
    assert [(gap.kind, gap.seed) for gap in board.gaps] == [("missing", 3)]
    estimate = vs.scores["balanced_accuracy", "last"].estimate
    assert estimate is not None
    assert estimate.n == 4
    [verdicts] = board.verdicts.values()
    assert (verdicts.family, verdicts.is_provisional) == (2, True)
    assert only(board, "la").rank is not None


def test_a_cell_without_any_record_has_no_number() -> None:
    suite = make_suite()
    records = [r for r in scored(suite, around(MEANS)) if r.trial.method.name != "vs"]
    vs = only(build_from(suite, records), "vs")

    assert vs.scores["balanced_accuracy", "last"].estimate is None
    assert len(vs.gaps) == 5


@pytest.mark.parametrize("status", ["failed", "diverged", "interrupted"])
def test_a_trial_that_did_not_finish_is_a_gap_with_its_cause(status: str) -> None:
    suite = make_suite()
    records = scored(suite, around(MEANS))
    records[0] = make_record(trial=records[0].trial, status=status)  # type: ignore[arg-type]
    board = build_from(suite, records)

    [gap] = board.gaps
    assert (gap.kind, gap.key) == (status, records[0].key)
    assert gap.cause == records[0].exit.cause
    assert not only(board, "erm").is_complete


def test_records_of_other_data_are_reported_and_not_averaged() -> None:
    suite = make_suite()
    records = scored(suite, around(MEANS))
    odd = next(i for i, r in enumerate(records) if (r.trial.method.name, r.trial.seed) == ("vs", 2))
    records[odd] = make_record(trial=records[odd].trial, accuracy=0.99, fingerprint="f" * 64)
    board = build_from(suite, records)

    [gap] = board.gaps
    assert gap.kind == "other data"
    assert "ffffffffffff" in gap.cause
    assert "2 of 3 records" in gap.cause
    assert only(board, "vs").scores["balanced_accuracy", "last"].values[2] is None
    assert not only(board, "vs").is_complete
    assert only(board, "la").is_complete


def test_a_table_that_changed_between_two_seeds_is_not_averaged_over() -> None:
    suite = make_suite(["ERM"])
    records = scored(suite, around(MEANS))
    for i, record in enumerate(records):
        source = "old" if i < len(records) - 1 else "new"
        data = record.data.model_copy(update={"source": source})
        records[i] = record.model_copy(update={"data": data})
    [gap] = build_from(suite, records).gaps
    assert (gap.kind, gap.seed) == ("other data", 4)


def test_without_a_majority_no_data_are_trusted() -> None:
    suite = make_suite(["ERM", "VS"])
    records = scored(suite, around(MEANS))
    records[0] = make_record(trial=records[0].trial, fingerprint="f" * 64)
    board = build_from(suite, records)

    assert {gap.kind for gap in board.gaps} == {"other data"}
    assert {gap.row for gap in board.gaps} == {"erm", "vs"}


def test_seeds_may_have_data_of_their_own() -> None:
    suite = make_suite(["ERM"])
    records = scored(suite, around(MEANS))

    assert len({r.data.fingerprint for r in records if r.data}) == 5
    assert build_from(suite, records).gaps == ()


def test_seeds_share_their_data_where_neither_subset_nor_split_varies() -> None:
    suite = make_suite(["ERM"], vary=["init", "order"])
    records = scored(suite, around(MEANS))
    assert build_from(suite, records).gaps == ()

    records[4] = make_record(trial=records[4].trial, fingerprint="f" * 64)
    [gap] = build_from(suite, records).gaps
    assert (gap.kind, gap.seed) == ("other data", 4)


def test_a_metric_that_is_undefined_leaves_its_seed_out_and_says_so() -> None:
    suite = make_suite(["ERM"], metrics=["min_precision"], primary="min_precision")
    records = scored(suite, lambda trial: 0.9)
    records[0] = make_record(trial=records[0].trial, counts=never_predicted(9, records[0]))
    board = build_from(suite, records)
    score = only(board, "erm").scores["min_precision", "last"]

    assert score.values[0] is None
    assert score.estimate is not None
    assert score.estimate.n == 4
    assert [gap.kind for gap in board.gaps] == ["undefined"]
    assert not only(board, "erm").is_complete


def test_a_second_metric_that_is_undefined_on_a_seed_is_marked_and_ranks_nothing_out() -> None:
    suite = make_suite(["ERM", "VS"], metrics=["balanced_accuracy", "min_precision"])
    records = scored(suite, around({"erm": 0.9, "vs": 0.8}))
    records[0] = make_record(trial=records[0].trial, counts=never_predicted(9, records[0]))
    board = build_from(suite, records)

    assert only(board, "erm").is_complete
    assert board.gaps == ()
    assert mean_sd_marked(only(board, "erm").scores["min_precision", "last"]).endswith("†")
    notes = footnotes(board)
    assert any(note.startswith("† Undefined on some seeds") for note in notes)
    reason = "for ERM at some seeds on cifar10-exp-100: a quotient is 0/0 on the test split."
    assert notes[-1].endswith(f"is undefined {reason}")


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize("primary", ["odd", "balanced_accuracy"])
def test_a_metric_that_is_undefined_everywhere_breaks_no_report(
    nothing: float | None, primary: str, unregistered: None, tmp_path: Path
) -> None:
    @metric(better="higher", title="Odd")
    def odd(counts: np.ndarray, train: np.ndarray) -> float | None:
        """Never defined."""
        return nothing

    suite = make_suite(TUNED, metrics=["odd", "balanced_accuracy"], primary=primary)
    chosen = make_suite(TUNED, metrics=["balanced_accuracy"], select={"by": "odd"})
    for each in (suite, chosen):
        records = scored(each, around(MEANS))
        board = build_from(each, records)
        evenhand_reports.write(board, tmp_path)
        Console(file=io.StringIO()).print(terminal.render(board), trial.render(records[0]))

    board = build_from(suite, scored(suite, around(MEANS)))
    assert all(s.scores["odd", "last"].estimate is None for s in board.results.values())
    assert {gap.kind for gap in board.gaps} == ({"undefined"} if primary == "odd" else set())


def test_a_mistake_in_a_metric_is_not_taken_for_undefined(unregistered: None) -> None:
    @metric(better="higher", title="Wrong")
    def wrong(counts: np.ndarray, train: np.ndarray) -> float:
        """Adds what cannot be added."""
        return counts + "1"  # type: ignore[operator]

    suite = make_suite(["ERM"], metrics=["wrong"], primary="wrong")
    with pytest.raises(TypeError):
        build_from(suite, scored(suite, around(MEANS)))


def test_select_takes_the_best_setting_on_validation_data() -> None:
    suite, records = tuned({1.0: 0.70, 1.25: 0.74, 1.5: 0.72})
    board = build_from(suite, records)
    vs = only(board, "vs")

    assert vs.choice is not None
    assert vs.setting == "tau=1.25"
    assert len(vs.choice.candidates) == 3
    assert vs.scores["balanced_accuracy", "last"].estimate == vs.choice.candidates[1].score
    assert list(board.rows) == ["erm", "vs"]


def test_select_never_looks_at_test_data() -> None:
    suite, records = tuned({1.0: 0.70, 1.25: 0.74, 1.5: 0.72})
    best = build_from(suite, records)
    swapped = [
        r.model_copy(
            update={
                "evaluations": tuple(
                    e
                    if e.split == "val"
                    else make_record(trial=r.trial, accuracy=0.1).evaluations[2]
                    for e in r.evaluations[:3]
                )
            }
        )
        for r in records
    ]

    assert only(build_from(suite, swapped), "vs").setting == only(best, "vs").setting


def test_select_follows_a_lower_is_better_metric() -> None:
    suite, records = tuned({1.0: 0.70, 1.25: 0.74, 1.5: 0.72})
    declaration = suite.declaration.model_copy(
        update={
            "select": suite.declaration.select
            and suite.declaration.select.model_copy(update={"by": "balanced_error"})
        }
    )

    assert (
        only(build_from(suite.replaced(declaration=declaration), records), "vs").setting
        == "tau=1.25"
    )


def test_a_setting_without_a_record_leaves_the_choice_open() -> None:
    suite, records = tuned({1.0: 0.70, 1.25: 0.74, 1.5: 0.72})
    missing = [r for r in records if (r.trial.method.settings, r.trial.seed) != ({"tau": 1.5}, 0)]
    vs = only(build_from(suite, missing), "vs")

    assert vs.setting == "tau=1.25"
    assert not vs.is_complete
    assert [gap.setting for gap in vs.gaps] == ["tau=1.5"]
    assert vs.choice is not None
    assert vs.choice.candidates[2].score is None


def test_a_setting_that_diverged_has_lost_and_leaves_nothing_open() -> None:
    suite, records = tuned({1.0: 0.70, 1.25: 0.74, 1.5: 0.99})
    ended = [
        make_record(trial=r.trial, status="diverged")
        if (r.trial.method.settings, r.trial.seed) == ({"tau": 1.5}, 0)
        else r
        for r in records
    ]
    vs = only(build_from(suite, ended), "vs")

    assert vs.setting == "tau=1.25"
    assert vs.is_complete
    assert [gap.kind for gap in vs.gaps] == ["diverged"]


def test_without_validation_scores_nothing_is_chosen() -> None:
    suite = make_suite(TUNED, select={})
    places = [("test", "last"), ("test", "best-test")]
    records = scored(suite, lambda trial: 0.7 + 0.01 * trial.seed, places=places)
    vs = only(build_from(suite, records), "vs")

    assert vs.choice is not None
    assert vs.choice.chosen is None
    assert not vs.is_complete
    assert vs.rank is None


def test_a_row_of_one_setting_is_ranked_without_a_validation_score() -> None:
    suite = make_suite(["ERM", "LA"], select={})
    places = [("test", "last"), ("test", "best-test")]
    board = build_from(suite, scored(suite, lambda trial: 0.7 + 0.01 * trial.seed, places=places))

    for result in board.results.values():
        assert result.is_complete
        assert result.rank is not None
    assert not any("Incomplete" in note for note in footnotes(board))


def test_the_note_on_unchosen_rows_blames_no_metric_that_has_values() -> None:
    suite = make_suite(TUNED, select={})
    places = [("test", "last"), ("test", "best-test")]
    board = build_from(suite, scored(suite, lambda trial: 0.7 + 0.01 * trial.seed, places=places))

    [note] = [note for note in footnotes(board) if "Incomplete" in note]
    assert (
        "the primary metric, or the one that chooses settings, is undefined on some seeds" in note
    )


def test_without_select_each_setting_is_a_row_of_its_own() -> None:
    suite = make_suite(TUNED)
    board = build_from(suite, scored(suite, lambda trial: 0.7))

    assert len(board.rows) == 4
