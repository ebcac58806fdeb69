"""Seeds that are folds of one table: a corrected variance, and a mark in every format."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evenhand.declared.record import Record
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, long_form, markdown, notebook, terminal
from evenhand_reports.statistics.moderation import moderated_pairs
from evenhand_reports.statistics.paired_tests import of_family
from evenhand_reports.wording.footnotes import footnotes
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import around, make_suite, only, scored

MEANS = {"erm": 0.65, "la": 0.68, "vs": 0.70}
TRAIN = [[400], [300], [200], [100], [60], [50], [40], [30], [20], [10]]
NOTE = "the corrected resampled variance (1/n + n_test/n_train) s² of Nadeau and Bengio (2003)"


def with_folds(record: Record) -> Record:
    assert record.data is not None
    return record.model_copy(
        update={"data": record.data.model_copy(update={"folds": 5, "n_test": 300})}
    )


def records_of(*problems: dict[str, str]) -> tuple[Leaderboard, Leaderboard]:
    """The board of ordinary records, and that of the same records as folds."""
    suite = make_suite(problems=problems or ({},))
    records = scored(suite, around(MEANS, sd=0.01), train=TRAIN)
    folded = [with_folds(r) if r.trial.problem.profile.name == "exp" else r for r in records]
    return build_from(suite, records), build_from(suite, folded)


def test_intervals_and_tests_of_folds_use_the_ratio_of_their_sizes() -> None:
    plain, folded = records_of()
    usual, found = only(plain, "vs").to_baseline, only(folded, "vs").to_baseline
    assert usual is not None and found is not None and found.p is not None
    table = [
        only(folded, row).scores["balanced_accuracy", "last"].values for row in ("vs", "erm", "la")
    ]
    pairs = of_family(moderated_pairs(np.array(table, dtype=np.float64)), [(0, 1), (2, 1)])
    mean, df = pairs.difference[0, 1], pairs.df[0, 1]

    ratio = 300 / 1210
    scale = np.sqrt((1 / 5 + ratio) * pairs.variance[0, 1])

    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean / scale), df))
    assert found.p > (usual.p or 0)
    assert found.difference.sd == usual.difference.sd
    assert found.difference.interval is not None
    half = stats.t.ppf(0.975, df) * scale
    assert found.difference.interval.high == pytest.approx(mean + half)


def test_every_format_marks_folds() -> None:
    plain, board = records_of()
    shown = {
        "html": html.render(board),
        "markdown": markdown.render(board).replace("\\", ""),
        "terminal": text_of(terminal.render(board), width=500),
        "notebook": notebook.render(board),
    }

    for text in shown.values():
        assert NOTE in text
        assert "5 folds" in text
    for name, text in latex.files(board).items():
        if "longtable" in text or "tabular" in text:
            assert r"(1/n + n\_test/n\_train) s$^2$ of Nadeau and Bengio (2003)" in text, name
    assert "5 folds" in latex.files(board)["problem-cifar10-exp-100.tex"]
    assert {line.interval_kind for line in long_form.lines(board)} == {
        "corrected resampled t of the logit"
    }
    assert {line.interval_kind for line in long_form.lines(plain)} == {"t of the logit"}
    assert not any("Nadeau" in note for note in footnotes(plain))


def test_only_the_problems_that_are_cross_validated_are_corrected() -> None:
    plain, board = records_of({}, {"profile": "step"})

    [note] = [note for note in footnotes(board) if "Nadeau" in note]
    assert note.startswith("On cifar10-exp-100, each seed is one fold")
    for (row, problem), result in board.results.items():
        same = result.to_baseline == plain.results[row, problem].to_baseline
        assert same == (problem == "cifar10-step-100" or row == "erm")
