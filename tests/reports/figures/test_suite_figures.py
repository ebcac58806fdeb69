"""The figures that a suite declares: every point is the estimate of its row."""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import Any

import pytest

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Suite
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.figures.suite_figures import suite_figures
from evenhand_reports.formats import html
from evenhand_reports.statistics.estimate import estimate
from tests.records import make_record
from tests.suite.suite_text import resolved

SUITE = """\
suite: drawn
question: What is drawn?
problems: [digits: {profile: exp, ratio: 10}]
val: {per_class: 20}
recipe: {digits: {evaluate_train: true}}
seeds: 3
methods:
  - erm
  - vs_adrw: {nu: {grid: [0.5, 0.1]}, tau: {grid: [1.0, 2.0]}}
  - ldam_adrw: {nu: {grid: [0.1, 0.5]}}
  - ldam_adrw: {as: LDAM at 1, nu: 1.0}
metrics: [balanced_accuracy, accuracy]
primary: balanced_accuracy
baseline: erm
figures:
  - {x: nu, y: balanced_accuracy, title: Sweep}
  - {x: nu, y: tau, colour: accuracy}
  - {curves: train_recall_minority, methods: [erm, ldam_adrw]}
"""


def accuracy(trial: Trial) -> float:
    given = trial.method.settings
    nu, tau = (float(str(given.get(name, 0))) for name in ("nu", "tau"))
    return 0.5 + 0.1 * nu + 0.05 * tau + 0.01 * trial.seed


def with_recalls(record: Record) -> Record:
    n = len(record.curves["epoch"])
    recalls = {
        f"train_recall_{label}": [label / 10 + 0.01 * record.trial.seed] * n for label in range(10)
    }
    return record.model_copy(update={"curves": {**record.curves, **recalls}})


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    suite: Suite = resolved(SUITE)
    trials = suite.trials.values()
    return build_from(
        suite, [with_recalls(make_record(trial=t, accuracy=accuracy(t))) for t in trials]
    )


@pytest.fixture(scope="module")
def drawn(board: Leaderboard) -> list[dict[str, Any]]:
    return suite_figures(board, board.problems[0])


def test_lines_are_families_that_differ_in_the_setting_alone(drawn: list[dict[str, Any]]) -> None:
    lines = drawn[0]["rules"]["last"]

    assert [(line["name"], line["x"]) for line in lines] == [
        ("VS+ADRW (tau=1)", [0.1, 0.5]),
        ("VS+ADRW (tau=2)", [0.1, 0.5]),
        ("LDAM+ADRW", [0.1, 0.5]),
        ("LDAM at 1", [1.0]),
    ]


def test_a_point_is_the_estimate_of_its_row(
    board: Leaderboard, drawn: list[dict[str, Any]]
) -> None:
    [line] = [x for x in drawn[0]["rules"]["last"] if x["name"] == "VS+ADRW (tau=2)"]
    result = board.results["vs_adrw(tau=2, nu=0.5)", "digits-exp-10"]
    score = result.scores["balanced_accuracy", "last"].estimate

    assert score is not None
    assert score.interval is not None
    assert line["mean"][1] == pytest.approx(score.mean, abs=1e-4)
    assert line["low"][1] == pytest.approx(score.interval.low, abs=1e-4)
    assert line["high"][1] == pytest.approx(score.interval.high, abs=1e-4)
    assert line["n"] == [3, 3]
    assert "n = 3" in drawn[0]["text"]
    assert "95\N{NO-BREAK SPACE}%" in drawn[0]["text"]


def test_a_baseline_without_the_setting_is_a_line_across(
    board: Leaderboard, drawn: list[dict[str, Any]]
) -> None:
    score = board.results["erm", "digits-exp-10"].scores["balanced_accuracy", "last"].estimate

    assert score is not None
    assert drawn[0]["reference"]["last"] == {"name": "ERM", "mean": round(score.mean, 4)}


def test_a_heat_map_has_a_square_for_each_pair(
    board: Leaderboard, drawn: list[dict[str, Any]]
) -> None:
    [heat] = [figure for figure in drawn if figure["kind"] == "heat"]
    squares = heat["rules"]["last"]

    assert (heat["xs"], heat["ys"]) == (["0.1", "0.5"], ["1", "2"])
    for i, tau in enumerate(heat["ys"]):
        for j, nu in enumerate(heat["xs"]):
            result = board.results[f"vs_adrw(tau={tau}, nu={nu})", "digits-exp-10"]
            score = result.scores["accuracy", "last"].estimate
            assert score is not None
            assert squares[i][j]["mean"] == pytest.approx(score.mean, abs=1e-4)


def test_a_half_of_the_classes_is_the_mean_of_its_curves(drawn: list[dict[str, Any]]) -> None:
    curves = drawn[-1]

    assert curves["kind"] == "curves"
    assert [line["name"] for line in curves["lines"]] == [
        "ERM",
        "LDAM+ADRW (nu=0.1)",
        "LDAM+ADRW (nu=0.5)",
        "LDAM at 1",
    ]
    expected = estimate([0.7, 0.71, 0.72], bounds=(0.0, 1.0))
    assert expected.interval is not None
    for line in curves["lines"]:
        assert line["n"] == 3
        assert set(line["mean"]) == {round(expected.mean, 4)}
        assert set(line["low"]) == {round(expected.interval.low, 4)}


def test_a_seed_without_a_record_is_told_by_n() -> None:
    suite = resolved(SUITE)
    records = [
        make_record(trial=t, accuracy=accuracy(t))
        for t in suite.trials.values()
        if not (t.seed == 2 and t.method.name == "ldam_adrw")
    ]
    figure, *_ = suite_figures(build_from(suite, records), "digits-exp-10")

    assert [line["n"] for line in figure["rules"]["last"]][2:] == [[2, 2], [2]]
    assert "n = 2 to 3" in figure["text"]


def test_what_has_no_values_is_not_drawn() -> None:
    suite = resolved(SUITE)
    [first, *_] = suite.trials.values()

    assert suite_figures(build_from(suite, [make_record(trial=first)]), "digits-exp-10") == []


def test_the_page_holds_every_figure_and_its_data(board: Leaderboard) -> None:
    page = html.render(board)
    text = page.partition('id="data">')[2].partition("</script>")[0]
    figures = json.loads(text)["problems"][0]["figures"]

    assert page.count('data-figure="suite"') == len(figures) == 3
    assert "<b>Sweep</b>" in page


def test_no_variable_of_the_script_hides_one_of_its_functions() -> None:
    """Plotly draws nothing where a function's name stands for something else."""
    script = resources.files("evenhand_reports.formats") / "templates" / "script.js"
    text = script.read_text(encoding="utf-8")
    functions = set(re.findall(r"^function (\w+)\(", text, re.MULTILINE))
    variables = set(re.findall(r"\b(?:const|let) (\w+) =", text))

    assert "named" in functions
    assert functions & variables == set()
