"""Notes on rows that are the same training on purpose."""

from __future__ import annotations

import pytest

from evenhand.suite.only import restrict
from evenhand.suite.resolve import Suite
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, markdown
from tests.reports.formats.test_html import Page
from tests.reports.suites import scored
from tests.suite.suite_text import resolved

SUITE = """\
suite: line
question: At which strength?
seeds: 3
problems: [digits: {profile: exp, ratio: 10}, digits: {profile: step, ratio: 10}]
recipe: digits
methods: [erm: {as: CE}, la: {tau: {grid: [0.0, 1.0]}}]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: CE
"""
IDENTICAL = 'identical: [{rows: [CE, "LA (tau=0)"], because: the line over τ begins at CE}]\n'
ROWS = "CE and LA (tau=0) are the same training on "
REASON = ": the line over τ begins at CE."


def report(suite: Suite) -> Leaderboard:
    return build_from(suite, scored(suite, lambda trial: 0.6 + 0.01 * trial.seed))


@pytest.fixture(scope="module")
def line() -> Leaderboard:
    return report(resolved(SUITE + IDENTICAL))


def test_every_format_states_the_reason_for_identical_rows(line: Leaderboard) -> None:
    note = f"{ROWS}digits-exp-10 and digits-step-10{REASON}"
    tables = latex.files(line)

    assert note in Page(html.render(line)).words
    assert note in markdown.render(line)
    assert note.replace("τ", r"$\tau$") in tables["leaderboard.tex"]
    alone = f"{ROWS}digits-exp-10{REASON}".replace("τ", r"$\tau$")
    assert alone in tables["problem-digits-exp-10.tex"]


def test_a_part_without_one_of_the_rows_has_no_note() -> None:
    part = report(restrict(resolved(SUITE + IDENTICAL), ["row=CE"]))

    assert "same training" not in markdown.render(part)


def test_identical_rows_without_a_reason_have_no_note() -> None:
    assert "same training" not in markdown.render(report(resolved(SUITE)))
