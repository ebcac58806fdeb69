"""Figures for a paper: every point of the page's figure is in the file, and the file compiles."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.suite_figures import suite_figures
from evenhand_reports.formats import latex
from evenhand_reports.formats.latex_figures import figure_files
from tests.records import make_record
from tests.reports.figures.test_record_series import SUITE, record
from tests.suite.suite_text import resolved

BY_NAME = """\
  - {x: reduce, y: balanced_accuracy, methods: [cb], title: "50 % & more_of #1"}
"""


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    text = SUITE.replace("  - erm\n", "  - erm\n  - cb: {reduce: {grid: [mean, weighted_mean]}}\n")
    suite = resolved(text + BY_NAME)
    return build_from(suite, [record(trial) for trial in suite.trials.values()])


def points(text: str) -> list[list[tuple[float, float]]]:
    """The points of each plot."""
    plots = re.findall(r"coordinates \{(.*?)\n\};", text, re.DOTALL)
    return [
        [(float(x), float(y)) for x, y in re.findall(r"^  \(([^,]+),([^)]+)\)", plot, re.MULTILINE)]
        for plot in plots
    ]


def test_a_figure_over_settings_has_the_points_of_the_page(board: Leaderboard) -> None:
    text = figure_files(board)["figure-digits-exp-10-1.tex"]
    figure, *_ = suite_figures(board, "digits-exp-10")
    drawn = [list(zip(line["x"], line["mean"], strict=True)) for line in figure["rules"]["last"]]

    found = points(text)[: len(drawn)]
    for mine, theirs in zip(found, drawn, strict=True):
        assert mine == [pytest.approx(point, rel=1e-3) for point in theirs]
    assert r"\addlegendentry{DRW}" in text
    assert "y explicit" in text
    assert "ylabel={Training recall ratio}" in text
    assert "Checkpoint rule: last." in text
    assert "n = 3; bars are Student-t intervals at" in text


def test_curves_have_percent_and_a_dash_for_each_series(board: Leaderboard) -> None:
    text = figure_files(board)["figure-digits-exp-10-2.tex"]

    majority, minority = points(text)
    assert {y for _, y in majority} == {90.0}
    assert max(y for _, y in minority) < 60
    assert r"\addlegendentry{ERM, minority}" in text
    assert "Student" not in text
    assert ("solid" in text, "dashed" in text) == (True, True)
    assert r"ylabel={Training recall, \%}" in text


def test_words_on_the_axis_are_in_the_order_of_the_page(board: Leaderboard) -> None:
    text = figure_files(board)["figure-digits-exp-10-5.tex"]

    assert r"xtick={0,1}, xticklabels={{mean},{weighted\_mean}}" in text
    assert [x for x, _ in points(text)[0]] == [0.0, 1.0]
    assert r"50 \% \& more\_" in text.replace(r"\allowbreak{}", "")


def test_a_suite_without_figures_needs_no_package(small: Leaderboard) -> None:
    assert figure_files(small) == {}
    assert "pgfplots" not in latex.files(small)["standalone.tex"]


def test_a_figure_without_values_has_no_file() -> None:
    suite = resolved(SUITE)
    [first, *_] = suite.trials.values()
    assert figure_files(build_from(suite, [make_record(trial=first)])) == {}


@pytest.mark.skipif(
    not (shutil.which("kpsewhich") and shutil.which("pdflatex")), reason="needs pdflatex"
)
def test_the_document_with_figures_compiles(board: Leaderboard, tmp_path: Path) -> None:
    found = subprocess.run(["kpsewhich", "pgfplots.sty"], capture_output=True, check=False)
    if not found.stdout.strip():
        pytest.skip("needs pgfplots (TeX Live's package texlive-pictures)")
    for name, text in latex.files(board).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "standalone.tex"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)

    assert ran.returncode == 0, ran.stdout.decode(errors="replace")[-2000:]
    assert b"Overfull" not in ran.stdout
