"""Each problem is ranked by its own primary metric, in every format."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from evenhand.declared.trial import Trial
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, long_form, markdown, notebook, terminal
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.formatting import within_sentence
from tests.reports.suites import make_suite, scored

RECALLS: Mapping[str, list[float]] = {
    "erm": [0.9] * 9 + [0.1],  # balanced error 0.18, minimum recall 0.1
    "la": [0.6] * 10,  # balanced error 0.4, minimum recall 0.6
}
EXP, STEP = "cifar10-exp-100", "cifar10-step-100"
BY_PROBLEM = {"cifar10-exp-*": "min_recall", "cifar10-step-*": "balanced_error"}


def recalls(trial: Trial) -> list[float]:
    step = 0.01 * trial.seed + (0.01 * (trial.seed % 2) if trial.method.name == "la" else 0)
    return [value + step for value in RECALLS[trial.method.name]]


@pytest.fixture(scope="module")
def board() -> Leaderboard:
    suite = make_suite(
        ("ERM", "LA"),
        problems=({}, {"profile": "step"}),
        metrics=["balanced_error", "min_recall", "accuracy"],
        primary=BY_PROBLEM,
    )
    return build_from(suite, scored(suite, recalls))


def test_ranks_and_their_order_are_by_the_metric_of_the_problem(board: Leaderboard) -> None:
    assert [result.row for result in board.on(EXP)] == ["la", "erm"]
    assert [result.row for result in board.on(STEP)] == ["erm", "la"]
    ranks = {place: result.rank.rank for place, result in board.results.items() if result.rank}
    assert ranks == {("la", EXP): 1, ("erm", EXP): 2, ("erm", STEP): 1, ("la", STEP): 2}


def test_differences_are_of_the_metric_of_the_problem(board: Leaderboard) -> None:
    gains = {p: board.results["la", p].to_baseline for p in (EXP, STEP)}
    means = {p: round(100 * c.difference.mean, 1) for p, c in gains.items() if c}
    # Two of the five seeds add 0.01 to every recall of LA.
    assert means == {EXP: 50.4, STEP: 21.6}


def test_ranks_are_averaged_over_problems_of_different_metrics(board: Leaderboard) -> None:
    assert {row: rank.mean for row, rank in board.across.ranks.items()} == {"erm": 1.5, "la": 1.5}


def test_a_setting_is_chosen_by_the_metric_of_the_problem() -> None:
    suite = make_suite(
        {"ERM": [{}], "LA": [{"tau": 1.0}, {"tau": 2.0}]},
        problems=({}, {"profile": "step"}),
        metrics=["balanced_error", "min_recall"],
        primary=BY_PROBLEM,
        select={},
    )
    own = {1.0: RECALLS["erm"], 2.0: RECALLS["la"]}
    records = scored(suite, lambda t: own[t.method.settings.get("tau", 1.0)])  # type: ignore[index]
    chosen = build_from(suite, records)
    settings = {p: chosen.results["la", p].setting for p in (EXP, STEP)}
    assert settings == {EXP: "tau=2", STEP: "tau=1"}


def test_the_answer_names_the_unit_of_gains_under_different_metrics(board: Leaderboard) -> None:
    assert "1 of 2 problems" in answer(board)


def test_every_format_states_the_metric_of_each_problem(board: Leaderboard) -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(terminal.render(board))
    tex = latex.files(board)
    texts = {
        "html": html.render(board),
        "markdown": markdown.render(board),
        "notebook": notebook.render(board),
        "terminal": out.getvalue(),
        "latex": tex["leaderboard.tex"],
        "macros": tex["macros.tex"],
    }
    for name, text in texts.items():
        flat = " ".join(text.replace("% ", "").split()).lower()
        assert "worst-class recall" in flat, name
        assert "balanced error" in flat, name
    sentence = f"Worst-class recall in percent (higher is better) on {EXP}; balanced error"
    assert sentence in " ".join(texts["latex"].split())
    assert "can be averaged" in " ".join(texts["latex"].split())
    assert "Worst-class recall in percent on" in tex[f"problem-{EXP}.tex"]
    assert "Balanced error in percent on" in tex[f"problem-{STEP}.tex"]


def test_only_numbers_of_the_metric_of_the_problem_have_a_rank_in_the_csv(
    board: Leaderboard,
) -> None:
    lines = csv.DictReader(io.StringIO(long_form.csv_text(board)))
    ranked = {(line["problem"], line["metric"]) for line in lines if line["rank"]}
    assert ranked == {(EXP, "min_recall"), (STEP, "balanced_error")}


@pytest.mark.parametrize(
    ("title", "inside"),
    [
        ("Balanced error", "balanced error"),
        ("NLL", "NLL"),
        ("G-mean", "G-mean"),
        ("Brier score", "Brier score"),
    ],
)
def test_a_title_inside_a_sentence_keeps_names_and_abbreviations(title: str, inside: str) -> None:
    assert within_sentence(title) == inside
