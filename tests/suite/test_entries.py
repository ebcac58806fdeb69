"""What a method's entry may say beside settings: `as`, `recipe`, `on`."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from evenhand.declared.recipe import Sam
from evenhand.declared.registry import REGISTRY, Registered
from evenhand.errors import SpecError
from evenhand.suite.entries import RESERVED, check_settings
from evenhand.suite.only import restrict
from evenhand.suite.resolve import open_suite
from tests.suite.suite_text import TEXT, lacking, resolved, with_

TWO = TEXT.replace("problems:\n", "problems:\n  - digits: {profile: step, ratio: 10}\n")


def suite(entry: str, text: str = TWO):
    """The small suite on two problems, with another entry for la."""
    return resolved(text.replace("  - la: {tau: 1.0}\n", entry))


def cells(entry: str, text: str = TWO):
    return [c for c in suite(entry, text).configurations if c.method.name != "erm"]


def test_an_entry_replaces_fields_of_the_recipe_for_its_rows_alone():
    found = suite("  - la: {recipe: {sam: [0.1, 0.2], schedule: cosine}}\n")
    for cell in found.configurations:
        own = cell.row == "la"
        assert (cell.recipe.sam == Sam(rho=(0.1, 0.2))) is own
        assert (cell.recipe.schedule.name == "cosine") is own
    assert {c.recipe.epochs for c in found.configurations} == {100}


def test_a_field_that_changes_nothing_changes_no_trial():
    same = suite("  - la: {recipe: {lr: 0.03}}\n").trials
    assert same.keys() == suite("  - la\n").trials.keys()


def test_a_grid_in_an_entrys_recipe_multiplies_its_rows_alone():
    found = suite("  - la: {tau: {grid: [1, 2]}, recipe: {lr: {grid: [0.1, 0.2]}}}\n")
    assert found.rows == (
        "erm",
        *(f"la(tau={tau}, lr={lr})" for tau in (1, 2) for lr in (0.1, 0.2)),
    )


def test_fields_are_drawn_with_the_settings():
    entry = "  - la: {sample: 3, tau: {uniform: [0, 2]}, recipe: {lr: {loguniform: [0.01, 1]}}}\n"
    drawn = {(c.method.settings["tau"], c.recipe.lr) for c in cells(entry)}
    assert len(drawn) == len({lr for _, lr in drawn}) == 3


def test_an_entrys_field_goes_before_the_suites_grid():
    text = TWO.replace("recipe: digits", "recipe: {digits: {lr: {grid: [0.1, 0.2]}}}")
    found = suite("  - la: {recipe: {lr: 0.5}}\n", text)
    assert found.rows == ("erm(lr=0.1)", "erm(lr=0.2)", "la")
    assert {c.recipe.lr for c in found.configurations if c.row == "la"} == {0.5}


def test_settings_on_a_problem_replace_the_entrys_own():
    entry = """\
  - la:
      tau: 1.5
      recipe: {lr: 0.1, epochs: 20}
      on:
        digits-step-*: {tau: 0.5, recipe: {lr: 0.2}}
"""
    found = {c.problem.name: (c.method.settings["tau"], c.recipe.lr) for c in cells(entry)}
    assert found == {"digits-step-10": (0.5, 0.2), "digits-exp-10": (1.5, 0.1)}
    assert {c.recipe.epochs for c in cells(entry)} == {20}
    # Also where the entry's own values stand: else a reader would take the defaults.
    assert [c.local for c in cells(entry)] == ["tau=0.5, lr=0.2", "tau=1.5, lr=0.1"]


def test_settings_on_a_problem_are_no_part_of_the_name():
    entry = "  - la: {tau: 1.5, on: {digits-step-*: {tau: 0.5}}}\n"
    assert suite(entry).rows == ("erm", "la")
    beside = entry + "  - la: {tau: 3}\n"
    assert suite(beside).rows == ("erm", "la", "la(tau=3)")


def test_the_first_glob_that_matches_decides():
    entry = "  - la: {on: {digits-step-10: {tau: 2}, digits*: {tau: 3}}}\n"
    assert [c.method.settings["tau"] for c in cells(entry)] == [2, 3]


def test_problems_keep_the_order_of_the_suite():
    found = suite("  - la: {on: {digits-exp-*: {tau: 2}}}\n")
    assert found.problems == ("digits-step-10", "digits-exp-10")
    assert [c.problem.name for c in found.configurations if c.row == "la"] == list(found.problems)


def test_with_select_a_problem_may_have_a_grid_of_its_own():
    text = TWO.replace("seeds: 2", "seeds: 2\nselect: {by: accuracy}")
    entry = "  - la: {tau: {grid: [1, 2]}, on: {digits-exp-*: {tau: {grid: [3, 4, 5]}}}}\n"
    found = [(c.row, c.problem.name, c.setting) for c in cells(entry, text)]
    assert [f for f in found if "step" in f[1]] == [
        ("la", "digits-step-10", f"tau={t}") for t in (1, 2)
    ]
    assert [f[2] for f in found if "exp" in f[1]] == ["tau=3", "tau=4", "tau=5"]


def test_an_entry_names_its_rows():
    found = suite('  - la: {as: "LA, ours", tau: {grid: [1, 2]}}\n')
    assert found.rows == ("erm", "LA, ours (tau=1)", "LA, ours (tau=2)")
    assert [c.title for c in found.configurations[2::2]] == list(found.rows[1:])
    assert {c.method_title for c in found.configurations} == {"ERM", "LA, ours"}
    for cell in found.configurations:
        assert restrict(
            found, [f'row="{cell.row}",problem={cell.problem.name}']
        ).configurations == (cell,)
    assert restrict(found, ['method="LA, ours"']).rows == found.rows[1:]
    assert restrict(found, ["method=la"]).rows == found.rows[1:]


def test_entries_of_one_method_are_told_apart_by_the_recipe_where_settings_do_not():
    vs = "  - vs\n  - vs: {recipe: {sam: 0.1}}\n"
    assert suite(vs).rows == ("erm", "vs", "vs(sam=0.1)")
    drops = "recipe: {schedule: {step: {drops: [[%s, 0.01], [0.9, 0.001]]}}}"
    moved = "".join(f"  - erm_drw: {{start: {t}, {drops % t}}}\n" for t in (0.6, 0.7))
    assert suite(moved).rows == ("erm", "erm_drw(start=0.6)", "erm_drw(start=0.7)")
    alone = "".join(f"  - erm_drw: {{{drops % t}}}\n" for t in (0.6, 0.7))
    assert suite(alone).rows[1] == "erm_drw(schedule=step(drops=[[0.6, 0.01], [0.9, 0.001]]))"


def test_entries_that_share_a_name_are_told_apart_by_what_they_fix():
    entry = "  - la: {as: Mine, tau: 1}\n  - la: {as: Mine, tau: 2}\n"
    assert suite(entry).rows == ("erm", "Mine (tau=1)", "Mine (tau=2)")


def test_every_name_finds_its_row_by_only():
    entry = """\
  - vs
  - vs: {recipe: {sam: [0.1, 0.2]}}
  - vs: {as: "VS, SAM (ours)", on: {digits*: {tau: 2}}}
"""
    found = suite(entry)
    for row in found.rows:
        assert restrict(found, [f'row="{row}"']).rows == (row,)


def test_a_setting_called_like_a_key_of_the_entry_is_refused():
    def fancy(tau: float = 1.0, on: Literal["a", "b"] = "a") -> None:
        """A method whose setting a suite could not name."""

    with pytest.raises(SpecError) as raised:
        check_settings(Registered("method", "fancy", fancy))
    assert "fancy has a setting called 'on', a key of every method's entry" in str(raised.value)
    assert "as, recipe, on, sample" in str(raised.value)


def test_no_method_of_ours_has_such_a_setting():
    for entry in REGISTRY.all("method"):
        assert not set(entry.settings) & set(RESERVED)


LA, ON = "  - la: {tau: 1.0}\n", "  - la:\n      on:\n        "

MISTAKES = [
    (f"{LA[:7]} {{as: 3}}\n", 11, "as = 3 … `as: VS with SAM`"),
    (f"{LA[:7]} {{as: 'a \"b\"'}}\n", 11, "without quotes in it"),
    (f"{LA[:7]} {{as: erm}}\n", 11, "two entries … row erm"),
    (f"{LA[:7]} {{recipe: digits}}\n", 11, "recipe = 'digits' … `recipe: {sam: 0.1}`"),
    (f"{LA[:7]} {{recipe: {{sma: 1}}}}\n", 11, "a recipe has no field 'sma'"),
    (f"{LA[:7]} {{recipe: {{sam: -1}}}}\n", 11, "sam = -1 … at least 0"),
    (f"{LA[:7]} {{recipe: {{lr: {{gird: [1, 2]}}}}}}\n", 11, "'grid'?"),
    (f"{LA[:7]} {{recipe: {{mean: [0.1, 0.2]}}}}\n", 11, "mean holds 2 numbers; digits-step-10"),
    (f"{LA[:7]} {{on: digits}}\n", 11, "on = 'digits' … `on: {problem: {setting: value}}`"),
    (f"{ON}digts*: {{tau: 1}}\n", 13, "on digts*: no problem of this suite is called so"),
    (f"{ON}digits*: {{tau: 1}}\n        '*-step-*': {{tau: 2}}\n", 14, "a glob above it decides"),
    (f"{ON}digits*: {{tua: 1}}\n", 13, "la has no setting 'tua'"),
    (f"{ON}digits*: {{tau: high}}\n", 13, "la: tau = 'high' … a number"),
    (f"{ON}digits*: {{recipe: {{lr: 0}}}}\n", 13, "lr = 0 … more than 0"),
    (f"{ON}digits*: {{as: LA}}\n", 13, "'as' holds for all problems of an entry"),
    (f"{ON}digits*:\n", 13, "nothing … `{setting: value}`"),
    (f"{ON}digits*: {{tau: {{grid: [1, 2]}}}}\n", 13, "tau: … `select:` … `on` has no grid"),
    (f"{ON}digits*: {{sample: 2}}\n", 13, "sample: … `select:`"),
    (
        "  - la:\n      tau: {grid: [1, 2]}\n      on: {digits-exp-10: {tau: 3}}\n",
        13,
        "tau: … `select:` … `on` has no grid",
    ),
    (
        "  - la:\n      tau: high\n      on: {digits-exp-10: {recipe: {lr: 0.1}}}\n",
        12,
        "la: tau = 'high' … a number",
    ),
    ("  - la\n  - la: {recipe: {lr: 0.03}}\n", 12, "la(tau=1) … twice"),
    ("  - la: {on: {digits-exp*: {tau: 2}}}\n  - la\n", 12, "two entries … row la"),
]


@pytest.mark.parametrize(("entry", "line", "says"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_a_mistake_in_an_entry_is_told_with_its_line(tmp_path, entry, line, says):
    path = tmp_path / "small.yaml"
    path.write_text(TWO.replace(LA, entry))
    with pytest.raises(SpecError) as raised:
        open_suite(str(path))
    found = [p for m, p in zip(raised.value.mistakes, raised.value.places, strict=True)]
    assert f"{path}:{line}" in found
    assert lacking(str(raised.value), says) == []


def test_a_glob_is_not_judged_while_a_problem_cannot_be_read():
    text = with_("  - digits", "  - digit").replace(LA, "  - la: {on: {digits*: {tua: 1}}}\n")
    with pytest.raises(SpecError) as raised:
        resolved(text)
    assert [m.what for m in raised.value.mistakes] == [
        "no dataset is called 'digit'",
        "la has no setting 'tua'",
    ]


def test_no_two_rows_are_printed_alike():
    with pytest.raises(SpecError, match="two entries have the row VS"):
        suite("  - vs\n  - vs: {as: VS, tau: 2}\n")


@pytest.mark.parametrize(
    ("name", "character"),
    [("\\e[31mred", "U+001B"), ("a\\u202Eb", "U+202E"), ("a\\u200Bb", "U+200B")],
)
def test_a_name_of_rows_has_no_invisible_character(name, character):
    with pytest.raises(SpecError, match=rf"without the invisible character {re.escape(character)}"):
        suite(f'  - la: {{as: "{name}"}}\n')


def test_one_name_in_two_spellings_is_one_name():
    entry = '  - la: {as: "e\\u0301"}\n  - la: {tau: 0.5, as: "\\xE9"}\n'
    assert {cell.row for cell in cells(entry)} == {"\xe9", "\xe9 (tau=0.5)"}
