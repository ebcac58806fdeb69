"""Fronts over a setting: which points are on them, what each seed covers, and every table of it."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from evenhand.declared.trial import Trial
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.front_tables import front_rows
from evenhand_reports.figures.fronts import Front, FrontSet, all_front_sets
from evenhand_reports.figures.suite_figures import figures_over_problems, suite_figures
from evenhand_reports.formats import files, html, hypervolumes, latex, markdown, terminal
from evenhand_reports.statistics.estimate import estimate
from tests.records import make_counts, make_record
from tests.reports.formats.test_html import Page
from tests.reports.formats.test_terminal import text_of
from tests.suite.suite_text import resolved

SUITE = """\
suite: fronts
question: Which errors can be had together?
problems: [digits: {profile: exp, ratio: {grid: [5, 10]}}]
val: {per_class: 20}
recipe: digits
seeds: 2
methods:
  - erm
  - la: {tau: {grid: [0.5, 1.0, 1.5, 2.0]}}
metrics: [balanced_error, worst_class_error, min_recall]
primary: balanced_error
baseline: erm
figures:
  - {front: [balanced_error, worst_class_error], over: tau, title: Trade-off}
  - {front: [balanced_error, min_recall], over: tau, by: problem.ratio, methods: [la]}
"""
ERRORS = {0.5: (0.10, 0.50), 1.0: (0.20, 0.40), 1.5: (0.25, 0.45), 2.0: (0.30, 0.35)}
"""Mean error and worst error by τ: at 1.5 both are worse than at 1."""

BY_RATIO = 0.05


def errors(trial: Trial) -> tuple[float, float]:
    mean, worst = (0.08, 0.60) if trial.method.name == "erm" else ERRORS[_tau(trial)]
    lift = 0.02 * trial.seed + (BY_RATIO if "10" in trial.problem.name else 0.0)
    return mean + lift, worst + lift


def _tau(trial: Trial) -> float:
    return float(str(trial.method.settings["tau"]))


def record(trial: Trial) -> Any:
    mean, worst = errors(trial)
    others = (10 * mean - worst) / 9
    recalls = [1 - others] * 9 + [1 - worst]
    return make_record(trial=trial, counts=make_counts(recalls, per_class=900))


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    suite = resolved(SUITE)
    return build_from(suite, [record(trial) for trial in suite.trials.values()], location="here")


def front(plane: FrontSet, name: str) -> Front:
    [found] = [each for each in plane.fronts if each.name == name]
    return found


def test_a_setting_that_another_beats_in_both_metrics_is_not_on_the_front(
    board: Leaderboard,
) -> None:
    over_problems, *_ = (p for p in all_front_sets(board, "last") if p.figure.by)
    first, *_ = (p for p in all_front_sets(board, "last") if not p.figure.by)

    assert [point.setting for point in front(first, "LA").best] == ["0.5", "1", "2"]
    assert [point.setting for point in front(first, "LA").points if point.on_joint_front] == [
        "0.5",
        "1",
        "2",
    ]
    assert front(first, "ERM").points[0].setting == ""
    assert [point.setting for point in front(over_problems, "LA (ratio=5)").best] == [
        "0.5",
        "1",
        "2",
    ]


def test_fronts_of_worse_problems_are_on_no_joint_front(board: Leaderboard) -> None:
    [plane] = [p for p in all_front_sets(board, "last") if p.figure.by]

    assert [sum(point.on_joint_front for point in each.points) for each in plane.fronts] == [3, 0]
    assert plane.reference == (1.0, 0.0)


def test_the_hypervolume_is_the_estimate_of_what_each_seed_covers(board: Leaderboard) -> None:
    [plane] = [p for p in all_front_sets(board, "last") if p.scope == "digits-exp-5"]
    found = front(plane, "LA").volume
    by_seed = []
    for lift in (0.0, 0.02):
        x, y = zip(
            *[(a + lift, b + lift) for a, b in (ERRORS[t] for t in (0.5, 1, 2))], strict=True
        )
        steps = [(1 - y[0]) * (1 - x[0]), (y[0] - y[1]) * (1 - x[1]), (y[1] - y[2]) * (1 - x[2])]
        by_seed.append(sum(steps))
    expected = estimate(by_seed)

    assert found is not None
    assert found.interval is not None
    assert expected.interval is not None
    assert found.n == 2
    assert found.mean == pytest.approx(expected.mean, abs=2e-3)
    assert found.sd == pytest.approx(expected.sd, abs=2e-3)


def test_a_reference_of_the_suite_is_the_corner() -> None:
    text = SUITE.replace("title: Trade-off", "reference: [0.5, 0.45]")
    suite = resolved(text)
    built = build_from(suite, [record(trial) for trial in suite.trials.values()])
    [plane] = [p for p in all_front_sets(built, "last") if p.scope == "digits-exp-5"]
    erm = front(plane, "ERM").volume

    assert erm is not None
    assert erm.mean == 0.0
    assert "balanced error 50 %, worst-class error 45 %" in Page(html.render(built)).words


def test_a_seed_without_every_point_is_in_no_hypervolume() -> None:
    suite = resolved(SUITE)
    trials = [
        t for t in suite.trials.values() if not (t.seed and t.method.settings.get("tau") == 2)
    ]
    [plane] = [
        p
        for p in all_front_sets(build_from(suite, [record(t) for t in trials]), "last")
        if p.scope == "digits-exp-5"
    ]

    volume = front(plane, "LA").volume
    assert volume is not None
    assert (volume.n, volume.interval, front(plane, "LA").seeds) == (1, None, 2)


def test_figures_hold_curves_tables_and_which_points_are_best(board: Leaderboard) -> None:
    [figure] = suite_figures(board, "digits-exp-5")
    [of_both] = figures_over_problems(board)
    erm, la = figure["rules"]["last"]

    assert (figure["x"], figure["y"], figure["over"]) == (
        *("Balanced error", "Worst-class error"),
        "tau",
    )
    assert la["settings"] == ["0.5", "1", "1.5", "2"]
    assert la["front"] == [True, True, False, True]
    assert (erm["name"], erm["settings"]) == ("ERM", [""])
    assert [line["name"] for line in of_both["rules"]["last"]] == ["LA (ratio=5)", "LA (ratio=10)"]
    assert (of_both["ramp"], figure["ramp"]) == (2, 0)


def test_every_kind_of_report_has_the_table(board: Leaderboard, tmp_path: Any) -> None:
    [plane] = [p for p in all_front_sets(board, "last") if p.scope == "digits-exp-5"]
    volume = front(plane, "LA").volume
    assert volume is not None
    mean = f"{volume.mean:.4f}"
    page = Page(html.render(board))
    tex = latex.files(board)

    assert page.open == []
    assert mean in page.words
    assert f"| LA | 4 | 0.5, 1, 2 | 3 | {mean} ± " in markdown.render(board)
    assert {name for name in tex if name.startswith("front-")} == {
        "front-digits-exp-5-worst_class_error-balanced_error.tex".replace("_", "-"),
        "front-digits-exp-10-worst_class_error-balanced_error.tex".replace("_", "-"),
        "front-digits-exp-min_recall-balanced_error.tex".replace("_", "-"),
    }
    assert f"{mean} $\\pm$ " in tex["front-digits-exp-5-worst-class-error-balanced-error.tex"]
    shown = text_of(terminal.render(board))
    assert mean in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    out = files.write(board, tmp_path / "out")
    assert out.fronts is not None
    assert out.fronts.read_text(encoding="utf-8") == hypervolumes.csv_text(board)


def test_the_long_form_has_a_line_for_each_front_and_rule(board: Leaderboard) -> None:
    lines = list(csv.DictReader(io.StringIO(hypervolumes.csv_text(board))))
    [la] = [
        line
        for line in lines
        if (line["title"], line["problem"], line["rule"]) == ("LA", "digits-exp-5", "last")
    ]

    assert len(lines) == 3 * (2 * 2 + 2)
    assert (la["over"], la["points"], la["front"], la["n"]) == ("tau", "4", "0.5 1 2", "2")
    assert len(la["keys"].split()) == 8


def test_of_a_signed_metric_the_size_counts() -> None:
    text = SUITE.replace("min_recall", "error_imbalance")
    suite = resolved(text)
    built = build_from(suite, [record(trial) for trial in suite.trials.values()])
    [plane] = [p for p in all_front_sets(built, "last") if p.figure.by]
    mean, imbalance = (score.mean for score in front(plane, "LA (ratio=5)").points[0].scores)

    assert imbalance > mean
    assert plane.reference == (1.0, 1.0)
    assert "absolute value of error imbalance" in Page(html.render(built)).words


def test_a_suite_without_fronts_has_no_file_of_them(small: Leaderboard, tmp_path: Any) -> None:
    assert hypervolumes.csv_text(small) == ""
    assert files.write(small, tmp_path / "out").fronts is None


def test_negative_ends_of_an_interval_have_the_minus_of_all_numbers(board: Leaderboard) -> None:
    [plane] = [p for p in all_front_sets(board, "last") if p.scope == "digits-exp-5"]
    found = front(plane, "LA")
    assert found.volume is not None
    assert found.volume.interval is not None
    wide = replace(found.volume, interval=replace(found.volume.interval, low=-0.0058))
    [row] = front_rows(replace(plane, fronts=(replace(found, volume=wide),)))

    assert row.values[4].startswith("[−0.0058, ")
