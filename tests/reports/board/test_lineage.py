"""A teacher and a post-hoc method are named wherever a row's method is, with the trials read."""

from __future__ import annotations

import csv
import io

import pytest

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Suite
from evenhand_reports.board import lineage
from evenhand_reports.board.baseline import is_baseline
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.suite_figures import suite_figures
from evenhand_reports.formats import html, latex, long_form, trial
from tests.records import make_record
from tests.reports.formats.test_html import Page, data_of
from tests.reports.formats.test_terminal import text_of
from tests.suite.suite_text import resolved

SUITE = """\
suite: made
question: Does a teacher or a shift add anything?
problems: [digits: {profile: exp, ratio: 10}]
val: {per_class: 20}
recipe: digits
seeds: 2
methods:
  - erm
  - la
  - erm: {teacher: la}
  - la: {teacher: {erm: {temperature: 2, recipe: {epochs: 8}}}}
  - erm: {posthoc: {tau_norm: {tau: 0.5}}}
  - la: {teacher: erm, posthoc: {post_shift: {steps: 5}}}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
figures:
  - {curves: train_loss, methods: [erm]}
"""


@pytest.fixture(scope="module")
def suite() -> Suite:
    return resolved(SUITE)


def left(trial: Trial) -> Record:
    """A post-hoc trial leaves no curves."""
    record = make_record(trial=trial, accuracy=0.6 + 0.01 * trial.seed)
    return record.model_copy(update={"curves": {}}) if trial.posthoc else record


@pytest.fixture(scope="module")
def board(suite: Suite) -> Leaderboard:
    return build_from(suite, [left(t) for t in suite.trials.values()])


def first(suite: Suite, row: str) -> Trial:
    return next(cell.trials[0] for cell in suite.configurations if cell.row == row)


def test_what_a_trial_comes_from_is_its_method_and_all_beside_it(suite: Suite) -> None:
    assert lineage.full_method(first(suite, "la")) == "la(tau=1)"
    assert (
        lineage.full_method(first(suite, "distilled-erm"))
        == "erm, distilled from la(tau=1) (temperature=1)"
    )
    assert lineage.full_method(first(suite, "distilled-la")) == (
        "la(tau=1), distilled from erm (temperature=2, epochs=8)"
    )
    assert lineage.full_method(first(suite, "erm+tau_norm")) == "erm, then tau_norm(tau=0.5)"


def test_a_row_with_a_teacher_or_a_posthoc_method_is_not_the_baseline(board: Leaderboard) -> None:
    found = {row for (row, _), s in board.results.items() if is_baseline(board.suite, s)}

    assert found == {"erm"}
    assert board.baselines == {"erm": "ERM"}
    assert all((s.to_baseline is None) == (s.row == "erm") for s in board.results.values())


def test_a_figure_of_a_method_draws_its_own_rows_alone(board: Leaderboard) -> None:
    [figure] = suite_figures(board, board.problems[0])

    assert [line["method"] for line in figure["lines"]] == ["ERM"]


def test_the_page_of_a_trial_names_them_and_the_trial_it_read(suite: Suite) -> None:
    both = first(suite, "distilled-la+post_shift")
    words = " ".join(text_of(trial.render(make_record(trial=both))).split())
    taught = first(suite, "distilled-la")
    student = " ".join(text_of(trial.render(make_record(trial=taught))).split())

    assert both.parent
    assert taught.parent
    assert "teacher erm (temperature=1) (version 1)" in words
    assert "post-hoc post_shift(maximize=min_recall" in words
    assert f"parent {both.parent.key}, the network" in words
    assert "teacher erm (temperature=2, epochs=8) (version 1)" in student
    assert f"parent {taught.parent.key}, the teacher" in student
    assert "parent" not in text_of(trial.render(make_record()))


def test_the_trials_behind_a_row_lead_to_those_they_read(board: Leaderboard, suite: Suite) -> None:
    results = dict(zip(board.results, data_of(html.render(board))["results"], strict=True))
    mapped = results["erm+tau_norm", board.problems[0]]

    assert mapped["method"] == "erm, then tau_norm(tau=0.5)"
    assert mapped["parent"] == "the network"
    assert [t["parent"] for t in mapped["trials"]] == [
        t["key"] for t in results["erm", board.problems[0]]["trials"]
    ]
    assert results["erm", board.problems[0]]["parent"] == ""


def test_the_cost_of_a_row_says_what_is_not_in_it(board: Leaderboard) -> None:
    words = Page(html.render(board)).words

    assert "without the training of the network or the teacher" in words


def test_machines_read_them_in_columns_of_their_own(board: Leaderboard) -> None:
    lines = {line["row"]: line for line in csv.DictReader(io.StringIO(long_form.csv_text(board)))}
    both = lines["distilled-la+post_shift"]

    assert (both["method"], both["teacher"]) == ("la(tau=1)", "erm (temperature=1)")
    assert both["posthoc"].startswith("post_shift(maximize=min_recall")
    assert (lines["erm"]["teacher"], lines["erm"]["posthoc"]) == ("", "")


def test_comments_in_latex_name_them(board: Leaderboard) -> None:
    text = latex.files(board)["leaderboard.tex"]

    assert "% Distilled LA, distilled from erm (temperature=2, epochs=8) on digits-exp-10: " in text
    assert ", then tau_norm(tau=0.5) on digits-exp-10: " in text
    assert "% ERM on digits-exp-10: " in text
