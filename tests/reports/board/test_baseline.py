"""What a row is compared with where the recipe is a grid, and what every format calls it."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.declared.record import Record
from evenhand.declared.trial import Trial
from evenhand.suite.resolve import Suite
from evenhand_reports.board.leaderboard import Leaderboard, build_from
from evenhand_reports.formats import html, latex, markdown
from evenhand_reports.wording.answer import answer
from evenhand_reports.wording.footnotes import footnotes
from tests.reports.formats.test_html import Page, data_of
from tests.reports.formats.test_terminal import text_of
from tests.reports.suites import scored
from tests.suite.suite_text import resolved as resolved_from

SUITE = """\
suite: rates
question: At which learning rate?
seeds: 5
metrics: [balanced_accuracy]
primary: balanced_accuracy
"""
ONE = "[digits: {profile: exp, ratio: 10}]"
TWO = "[digits: {profile: exp, ratio: 10}, digits: {profile: step, ratio: 10}]"
RATES = "{digits: {lr: {grid: [0.1, 0.05]}}}"
LEAD = {("erm", 0.1): 0.60, ("erm", 0.05): 0.80, ("la", 0.1): 0.60, ("la", 0.05): 0.60}


def make(
    methods: str = "[erm, la]",
    *,
    baseline: str = "erm",
    problems: str = ONE,
    recipe: str = RATES,
    more: str = "",
) -> Suite:
    text = f"problems: {problems}\nrecipe: {recipe}\nmethods: {methods}\nbaseline: {baseline}\n"
    return resolved_from(SUITE + text + more)


def report(suite: Suite) -> Leaderboard:
    return build_from(suite, records_of(suite))


def records_of(suite: Suite) -> list[Record]:
    return scored(suite, recall, per_class=1000)


def recall(trial: Trial) -> float:
    """A lead by method and learning rate, and noise of each trial's own."""
    name, rate = trial.method.name, trial.recipe.lr
    lead = 0.1 * float(str(trial.method.settings.get("tau", 0)))
    own = np.random.default_rng([trial.seed, len(name), round(1000 * rate)])
    return LEAD[name, rate] + lead + float(own.normal(0, 0.005))


@pytest.fixture(scope="module")
def rates() -> Leaderboard:
    return report(make())


def test_each_row_is_compared_with_the_baseline_under_its_own_recipe(rates: Leaderboard) -> None:
    against = {row: s.to_baseline.second for (row, _), s in rates.results.items() if s.to_baseline}

    assert against == {"la(lr=0.1)": "erm(lr=0.1)", "la(lr=0.05)": "erm(lr=0.05)"}
    assert {p: found.family for p, found in rates.verdicts.items()} == {"digits-exp-10": 2}


def test_every_format_names_the_method_and_says_which_row_it_is(rates: Leaderboard) -> None:
    from evenhand_reports.formats import terminal

    note = (
        "The baseline of a row is ERM under the same recipe: ERM (lr=0.1) for LA (lr=0.1); "
        "ERM (lr=0.05) for LA (lr=0.05)."
    )
    table = latex.files(rates)["problem-digits-exp-10.tex"]
    page = Page(html.render(rates)).words
    screen = text_of(terminal.render(rates), width=200)

    assert rates.baseline == "ERM"
    assert note in footnotes(rates)
    for text in (table, page, markdown.render(rates).replace("\\", ""), screen):
        assert note in text
        assert "Δ to ERM (lr" not in text
        assert r"$\Delta$ to ERM (lr" not in text
    assert r"$\Delta$ to ERM (p)" in table
    assert "Δ to ERM " in page
    assert "The dashed line is ERM under the same recipe." in page


def test_the_baseline_of_a_row_is_named_where_its_title_is_another() -> None:
    rate = "recipe: {lr: 0.05}"
    own = f"[erm, erm: {{as: Slow, {rate}}}, la: {{{rate}}}, la: {{as: Fast, tau: 2}}]"
    board = report(make(own, recipe="{digits: {lr: 0.1}}"))
    [note] = [note for note in footnotes(board) if note.startswith("The baseline of a row")]

    assert board.baselines == {"erm": "ERM", "Slow": "Slow"}
    assert note.endswith("under the same recipe: Slow for LA; ERM for Fast.")


def test_a_row_without_a_baseline_under_its_recipe_is_named() -> None:
    own = "[erm, la, la: {as: Alone, recipe: {batch: 16}}]"
    notes = footnotes(report(make(own)))
    [note] = [note for note in notes if note.startswith("The baseline of a row")]

    assert note.endswith(
        ": ERM (lr=0.1) for LA (lr=0.1); ERM (lr=0.05) for LA (lr=0.05); "
        "none for Alone (lr=0.1) and Alone (lr=0.05)."
    )


def test_the_families_and_the_answer_do_not_name_one_of_several_baselines(
    rates: Leaderboard,
) -> None:
    assert "The declared comparisons (2), those with ERM, are tested" in footnotes(rates)[1]
    assert answer(rates).startswith(
        "LA (lr=0.1) beat ERM under the same recipe, by 10.0 points. LA (lr=0.05) did worse than"
    )
    assert "The best row is ERM (lr=0.05) (95 % confidence)." in answer(rates)


def test_on_several_problems_the_answer_counts_by_recipe() -> None:
    text = answer(report(make(problems=TWO)))

    assert text.startswith(
        "LA (lr=0.1) beat ERM under the same recipe on every problem, by 10.0 points."
    )
    assert "(95 % confidence), which holds ERM (lr=0.05) on 2 of 2 problems." in text


def test_an_incomplete_baseline_is_not_replaced_by_one_of_another_recipe() -> None:
    suite = make()
    records = records_of(suite)
    lost = next(r for r in records if (r.trial.method.name, r.trial.recipe.lr) == ("erm", 0.05))
    board = build_from(suite, [r for r in records if r is not lost])
    problem = board.problems[0]

    found = board.results["la(lr=0.05)", problem].to_baseline
    assert found is not None
    assert (found.second, found.difference.n) == ("erm(lr=0.05)", 4)
    assert found.is_provisional


def test_where_recipes_compete_for_a_row_there_is_one_baseline() -> None:
    suite = make(more="select: {on: val}\nval: {per_class: 10}\n")
    board = report(suite)

    assert board.baseline == "ERM"
    assert len(board.baselines) == 1
    assert not any("under the same recipe" in note for note in footnotes(board))


def test_a_suite_of_one_method_has_no_baseline_to_compare_with() -> None:
    board = report(
        make("[la: {tau: {grid: [1.0, 2.0]}}]", baseline="la", recipe="{digits: {lr: 0.1}}")
    )

    assert board.baseline == "LA"
    assert any("none of them is the baseline" in note for note in footnotes(board))
    assert all(s.to_baseline is None for s in board.results.values())
    assert "dashed line" not in Page(html.render(board)).words


def test_no_format_has_a_column_for_an_ambiguous_baseline() -> None:
    from evenhand_reports.formats import notebook, terminal

    board = report(
        make("[la: {tau: {grid: [1.0, 2.0]}}]", baseline="la", recipe="{digits: {lr: 0.1}}")
    )

    assert len(board.baselines) == 2
    assert board.compared_problems == frozenset()
    for text in (
        latex.files(board)["problem-digits-exp-10.tex"],
        Page(html.render(board)).words,
        markdown.render(board),
        notebook.render(board),
        text_of(terminal.render(board), width=200),
    ):
        assert "to LA" not in text
        assert "no column of differences to it" in text


def test_figures_draw_none_of_several_baselines_as_the_baseline(rates: Leaderboard) -> None:
    one = report(make(recipe="{digits: {lr: 0.1}}"))

    assert None not in data_of(html.render(rates))["styles"].values()
    assert data_of(html.render(one))["styles"] == {"erm": None, "la": 0}


@pytest.mark.parametrize("name", ["la(tau=2)", "LA (tau=2)"])
def test_a_row_of_a_method_may_be_the_baseline(name: str) -> None:
    methods = "[erm, la: {tau: {grid: [1.0, 2.0]}}]"
    board = report(make(methods, baseline=name, recipe="{digits: {lr: 0.1}}"))

    against = {row: s.to_baseline.second for (row, _), s in board.results.items() if s.to_baseline}
    assert against == {"erm": "la(tau=2)", "la(tau=1)": "la(tau=2)"}
    assert board.baseline == "LA (tau=2)"


def test_a_named_entry_is_the_baseline_under_each_recipe() -> None:
    board = report(make("[erm, la: {as: b1, tau: 1}, la: {as: b2, tau: 2}]", baseline="b2"))

    against = {row: s.to_baseline.second for (row, _), s in board.results.items() if s.to_baseline}
    assert against == {
        f"{row}(lr={lr})" if row == "erm" else f"{row} (lr={lr})": f"b2 (lr={lr})"
        for row in ("erm", "b1")
        for lr in (0.1, 0.05)
    }
    assert board.baseline == "b2"


def test_the_command_of_each_row_names_its_recipe(rates: Leaderboard) -> None:
    commands = [s["command"] for s in data_of(html.render(rates))["results"]]

    assert commands[0] == (
        "evenhand run small.yaml --only 'row=erm(lr=0.1),problem=digits-exp-10' --results rerun"
    )
