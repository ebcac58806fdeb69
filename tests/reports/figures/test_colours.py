"""One colour for each method in all figures of a report."""

from __future__ import annotations

from typing import Any

from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.colours import COLOURS, report_figures
from evenhand_reports.formats import latex
from tests.reports.suites import scored
from tests.suite.suite_text import resolved

SUITE = """\
suite: colours
question: Which colour?
seeds: 2
problems: [digits: {profile: exp, ratio: 10}]
recipe: digits
methods:
  - erm
  - ldam
  - la: {tau: {grid: [0.5, 1.0]}}
  - vs: {tau: {grid: [0.5, 1.0]}}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
figures:
  - {x: tau, y: balanced_accuracy, methods: [vs]}
  - {x: tau, y: balanced_accuracy}
  - {curves: train_loss, methods: [erm, "vs(tau=1)"]}
  - {curves: train_loss, methods: ["vs*", ldam]}
"""


def board_of(text: str = SUITE) -> Leaderboard:
    suite = resolved(text)
    return build_from(suite, scored(suite, lambda trial: 0.6 + 0.01 * trial.seed))


def colours(figure: dict[str, Any]) -> dict[str, int | None]:
    lines = figure.get("lines") or figure["rules"]["last"]
    return {line["name"]: line["colour"] for line in lines}


def test_a_method_has_one_colour_in_all_figures() -> None:
    found = report_figures(board_of())
    alone, both, first, second = map(colours, found.by_problem["digits-exp-10"])

    assert alone["VS"] == both["VS"]
    assert both["VS"] in {first["VS (tau=1)"], second["VS (tau=0.5)"]}
    assert first["VS (tau=1)"] == second["VS (tau=1)"] == found.styles["vs(tau=1)"]
    assert second["LDAM"] == found.styles["ldam"]


def test_the_baseline_is_grey_in_all_figures() -> None:
    board = board_of()
    found = report_figures(board)
    [*_, curves, _] = found.by_problem["digits-exp-10"]

    assert colours(curves)["ERM"] is None
    assert found.styles["erm"] is None
    assert "gray, densely dotted" in latex.files(board)["figure-digits-exp-10-3.tex"]


def test_lines_of_one_figure_differ_in_colour() -> None:
    for figure in report_figures(board_of()).by_problem["digits-exp-10"]:
        shown = [c % COLOURS for c in colours(figure).values() if c is not None]
        assert len(set(shown)) == len(shown)
