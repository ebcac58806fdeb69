"""From a suite to the cells of its leaderboard and the trials in them."""

from __future__ import annotations

import pytest

from evenhand.declared.trial import STREAMS, Val
from evenhand.suite.declaration import find, load, shipped
from evenhand.suite.resolve import open_suite
from tests.suite.suite_text import TEXT, resolved, with_

GRID = with_("{tau: 1.0}", "{tau: {grid: [0.5, 1.0, 1.5]}}")


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_suite_resolves(name):
    suite = open_suite(name)
    assert suite.declaration.suite == name
    assert suite.source == name
    assert suite.trials


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_suite_says_what_it_asks_expects_and_costs(name):
    suite = load(find(name))
    assert suite.question.endswith("?")
    assert suite.cost
    assert suite.expect or suite.measured


@pytest.mark.parametrize("name", shipped())
def test_no_shipped_suite_says_that_it_expected_what_it_measured(name):
    """A report prints `expect` as written before the run and `measured` as written after one."""
    suite = load(find(name))
    assert "measured" not in suite.expect.lower()
    assert "±" not in suite.expect


def test_cells_are_methods_times_problems_in_the_order_of_the_suite():
    text = with_("problems:\n", "problems:\n  - digits\n")
    cells = resolved(text).configurations
    assert [(c.row, c.problem.name) for c in cells] == [
        ("erm", "digits"),
        ("erm", "digits-exp-10"),
        ("la", "digits"),
        ("la", "digits-exp-10"),
    ]


def test_a_number_of_seeds_counts_from_0_and_a_list_is_taken_as_it_is():
    seeds = [t.seed for t in resolved().configurations[0].trials]
    assert seeds == [0, 1]
    listed = resolved(with_("seeds: 2", "seeds: [7, 3]"))
    assert [t.seed for t in listed.configurations[0].trials] == [7, 3]


def test_trials_by_key_hold_every_trial_once():
    suite = resolved()
    assert len(suite.trials) == 4
    assert all(trial.key == key for key, trial in suite.trials.items())


def test_a_grid_gives_a_row_to_each_setting():
    rows = {c.row: (c.title, c.setting) for c in resolved(GRID).configurations}
    assert list(rows) == ["erm", "la(tau=0.5)", "la(tau=1)", "la(tau=1.5)"]
    assert rows["la(tau=1.5)"] == ("LA (tau=1.5)", "tau=1.5")


def test_with_select_all_settings_of_a_method_share_a_row():
    cells = resolved(GRID.replace("seeds: 2", "seeds: 2\nselect: {by: accuracy}")).configurations
    assert [(c.row, c.setting) for c in cells] == [
        ("erm", ""),
        ("la", "tau=0.5"),
        ("la", "tau=1"),
        ("la", "tau=1.5"),
    ]


def test_entries_of_one_method_are_told_apart_by_what_they_fix():
    text = with_("{tau: 1.0}", "{tau: 1.0}\n  - la: {tau: 2}")
    assert resolved(text).rows == ("erm", "la(tau=1)", "la(tau=2)")


def test_a_sample_draws_settings_of_the_suite():
    text = with_("{tau: 1.0}", "{sample: 5, tau: {uniform: [0.5, 2]}}")
    drawn = [c.method.settings["tau"] for c in resolved(text).configurations[1:]]
    assert len(set(drawn)) == 5
    assert drawn == [c.method.settings["tau"] for c in resolved(text).configurations[1:]]
    another = resolved(text.replace("suite: small", "suite: other"))
    assert drawn != [c.method.settings["tau"] for c in another.configurations[1:]]
    newer = resolved(text.replace("version: 1", "version: 2"))
    assert drawn != [c.method.settings["tau"] for c in newer.configurations[1:]]


def test_a_sample_is_that_of_the_method_whatever_it_is_called():
    text = with_("{tau: 1.0}", "{sample: 5, tau: {uniform: [0.5, 2]}}")
    assert resolved(text).trials == resolved(text.replace("la:", "balanced:")).trials


def test_a_grid_in_the_recipe_multiplies_rows():
    text = with_(
        "recipe: digits",
        "recipe: {digits: {lr: {grid: [0.1, 0.2]}, epochs: 2, schedule: constant}}",
    )
    suite = resolved(text)
    assert suite.rows == ("erm(lr=0.1)", "erm(lr=0.2)", "la(lr=0.1)", "la(lr=0.2)")
    assert {c.recipe.epochs for c in suite.configurations} == {2}


def test_a_part_with_settings_beside_a_grid_is_not_multiplied():
    fields = "{backbone: {mlp: {hidden: 8}}, lr: {grid: [0.1, 0.2]}}"
    suite = resolved(with_("recipe: digits", f"recipe: {{digits: {fields}}}"))
    assert suite.rows[:2] == ("erm(lr=0.1)", "erm(lr=0.2)")


def test_a_grid_in_a_problem_multiplies_problems():
    text = with_("ratio: 10", "ratio: {grid: [10, 20]}")
    assert resolved(text).problems == ("digits-exp-10", "digits-exp-20")


def test_the_baseline_goes_by_its_registered_name():
    assert resolved(with_("baseline: erm", "baseline: ce")).declaration.baseline == "erm"


def test_streams_that_vary_are_in_the_trials():
    assert resolved().configurations[0].trials[0].vary == STREAMS
    text = with_("seeds: 2", "seeds: 2\nvary: [order, init]")
    assert resolved(text).configurations[0].trials[0].vary == ("init", "order")
    assert resolved(with_("seeds: 2", "seeds: 1\nvary: []")).configurations[0].trials[0].vary == ()


def test_a_problem_takes_the_suites_val_unless_it_has_its_own():
    entries = "problems:\n  - digits: {profile: step, ratio: 10, val: none}\n"
    entries += "  - digits: {profile: exp, ratio: 5, val: {fraction: 0.2}}\n"
    cells = resolved(with_("problems:\n", entries)).configurations[:3]
    assert [c.problem.val for c in cells] == [Val(), Val(fraction=0.2), Val(per_class=20)]


def test_none_is_no_validation_split():
    assert resolved(with_("{per_class: 20}", "none")).configurations[0].problem.val == Val()


def test_a_text_of_the_suite_changes_no_trial():
    assert resolved(TEXT + "cost: little\n").trials == resolved(TEXT).trials


def test_problems_that_differ_in_val_alone_have_names_of_their_own():
    more = """problems:
  - digits: {profile: exp, ratio: 10, val: {per_class: 10}}
  - digits: {profile: exp, ratio: 10, val: {fraction: 0.2}}
  - digits: {profile: exp, ratio: 10, val: none}
  - digits: {profile: step, ratio: 10, val: {per_class: 10}}
"""
    suite = resolved(with_("problems:\n", more))
    assert suite.problems == (
        "digits-exp-10-val10",
        "digits-exp-10-val0.2",
        "digits-exp-10-noval",
        "digits-step-10",
        "digits-exp-10",
    )
    assert len(suite.trials) == 2 * 5 * 2
    assert resolved().trials.keys() < suite.trials.keys()
