"""Undefined metrics, duplicates between splits and the reading of files, in every format."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evenhand.declared.record import DataReading, Record, SharedExamples
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, long_form, markdown, notebook, terminal
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from evenhand_reports.wording.record_notes import data_notes, undefined_notes
from tests.records import make_record
from tests.reports.formats.test_html import Page
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import make_suite, only


def shown_by(board: Leaderboard) -> dict[str, str]:
    """The text of each format, on one line and without escapes."""
    texts = {
        "html": Page(html.render(board)).words,
        "markdown": markdown.render(board),
        "terminal": text_of(terminal.render(board)),
        "notebook": notebook.render(board),
        **{name: text for name, text in latex.files(board).items() if "tabular" in text},
    }
    return {name: " ".join(text.replace("\\", "").split()) for name, text in texts.items()}


def counts_without(label: int, groups: int = 1) -> np.ndarray:
    counts = np.tile(np.eye(3, dtype=int) * 8 + 1, (groups, 1, 1))
    counts[:, label] = 0
    return counts


def board_with(
    metric: str, *, counts: np.ndarray, groups: int = 1, others: tuple[str, ...] = ()
) -> Leaderboard:
    suite = make_suite(["ERM", "LA"], metrics=[metric, *others], primary=metric)
    made: dict[str, Any] = {"counts": counts, "classes": 3, "groups": groups}
    return build_from(suite, [make_record(trial=t, **made) for t in suite.trials.values()])


CASES: list[tuple[str, np.ndarray, int, str]] = [
    ("worst_group_accuracy", counts_without(1), 1, "no test example of class 1"),
    ("worst_group_accuracy", counts_without(1, groups=2), 2, "no test example of class 1"),
    ("balanced_accuracy", counts_without(2), 1, "no test example of class 2"),
    ("symmetric_deo", counts_without(1), 1, "the problem has no groups"),
    ("min_precision", np.array([[[5, 5, 0]] * 3]), 1, "a quotient is 0/0 on the test split"),
]


@pytest.mark.parametrize(("metric", "counts", "groups", "cause"), CASES, ids=str)
def test_an_undefined_metric_is_shown_as_undefined_with_its_reason(
    metric: str, counts: np.ndarray, groups: int, cause: str
) -> None:
    board = board_with(metric, counts=counts, groups=groups)

    [note] = undefined_notes(board)
    assert note == f"{board.metrics[metric]} is undefined on cifar10-exp-100: {cause}."
    for name, text in shown_by(board).items():
        assert note in text, name
        assert "undefined" in text.replace(note, ""), name
        assert "0 of 5" not in text
    assert all(cause in gap.cause for gap in board.gaps)
    assert not any("Incomplete" in note for note in footnotes(board))
    for line in long_form.lines(board):
        assert (line.n, line.mean, line.undefined) == (None, None, cause)


def test_the_answer_names_the_problem_on_which_the_metric_is_undefined() -> None:
    board = board_with("worst_group_accuracy", counts=counts_without(1))

    assert answer(board).endswith("Worst-group accuracy is undefined on cifar10-exp-100.")
    assert "Incomplete" not in answer(board)
    assert only(board, "la").rank is None


def test_the_answer_names_the_rows_for_which_the_metric_is_undefined() -> None:
    suite = make_suite(["ERM", "LA"], metrics=["min_recall"], primary="min_recall")
    whole, lacking = np.eye(3, dtype=int)[None] * 9, counts_without(1)
    records = [
        make_record(trial=t, counts=lacking if t.method.name == "la" else whole, classes=3)
        for t in suite.trials.values()
    ]

    assert answer(build_from(suite, records)).endswith(
        "Worst-class recall is undefined for LA on cifar10-exp-100."
    )


def test_a_cell_that_the_test_split_lacks_is_named() -> None:
    counts = np.tile(np.eye(3, dtype=int) * 9, (2, 1, 1))
    counts[1, 2] = 0
    board = board_with("symmetric_deo", counts=counts, groups=2)

    assert undefined_notes(board)[0].endswith(": no test example of class 2 in group 1.")


def test_a_metric_that_reads_a_setting_names_the_setting_that_a_method_lacks(
    unregistered: None,
) -> None:
    from evenhand.declared.decorators import metric

    @metric(better="higher", title="Weighted", reads=("weight",))
    def weighted(counts: np.ndarray, train: np.ndarray, weight: float) -> float:
        """A metric of a setting."""
        return weight

    board = board_with(
        "balanced_accuracy", counts=np.eye(3, dtype=int)[None] * 9, others=("weighted",)
    )

    assert undefined_notes(board) == (
        "Weighted is undefined on cifar10-exp-100: the method has no setting weight.",
    )


def test_without_groups_a_metric_over_cells_is_said_to_be_one_over_classes() -> None:
    eye = np.eye(3, dtype=int)[None] * 9
    note = "Worst-group accuracy: on cifar10-exp-100, without groups, each class is a cell."

    assert note in footnotes(board_with("worst_group_accuracy", counts=eye))
    assert note not in footnotes(board_with("balanced_accuracy", counts=eye))
    grouped = board_with("worst_group_accuracy", counts=np.tile(eye, (2, 1, 1)), groups=2)
    assert note not in footnotes(grouped)


def sharing(n: int, relabelled: int = 0, **changed: Any) -> SharedExamples:
    given = {"split": "test", "other": "train", "n": n, "relabelled": relabelled, **changed}
    return SharedExamples.model_validate(given)


def board_of_data(by_seed: dict[int, dict[str, Any]]) -> Leaderboard:
    suite = make_suite(["ERM", "LA"], seeds=sorted(by_seed))

    def record(trial: Any) -> Record:
        made = make_record(trial=trial, per_class=12)
        assert made.data is not None
        return made.model_copy(update={"data": made.data.model_copy(update=by_seed[trial.seed])})

    return build_from(suite, [record(trial) for trial in suite.trials.values()])


def test_duplicates_and_the_reading_of_files_are_under_every_table() -> None:
    reading = DataReading(notes=("160 images of 40 × 40 were resized to 16 × 16",))
    board = board_of_data({s: {"shared": (sharing(120, 7),), "reading": reading} for s in (0, 1)})
    notes = [
        "120 of 120 test examples of cifar10-exp-100 are also in the training split, 7 of "
        "them with another label.",
        "cifar10-exp-100: 160 images of 40 × 40 were resized to 16 × 16.",
    ]

    assert data_notes(board, "cifar10-exp-100") == notes
    for name, text in shown_by(board).items():
        for note in notes:
            assert note.replace("×", "$times$" if name.endswith(".tex") else "×") in text, name
    assert {line.data_notes for line in long_form.lines(board)} == {" ".join(notes)}


@pytest.mark.parametrize(
    ("by_seed", "says"),
    [
        ([(sharing(3),), (sharing(5),)], "3 to 5 of 120 test examples"),
        ([(sharing(3),), ()], "0 to 3 of 120 test examples"),
        ([(sharing(3, 3),), (sharing(3),)], "split, 0 to 3 of them with another label."),
        ([(sharing(2, split="val"),)] * 2, "2 of 120 validation examples"),
        ([(sharing(2, other="val"),)] * 2, "are also in the validation split."),
    ],
    ids=str,
)
def test_the_number_of_duplicates_is_that_of_each_seed(
    by_seed: list[tuple[SharedExamples, ...]], says: str
) -> None:
    [note] = data_notes(
        board_of_data({seed: {"shared": shared} for seed, shared in enumerate(by_seed)}),
        "cifar10-exp-100",
    )

    assert says in note


def test_data_without_duplicates_have_no_note() -> None:
    assert data_notes(board_of_data({0: {}, 1: {}}), "cifar10-exp-100") == []
