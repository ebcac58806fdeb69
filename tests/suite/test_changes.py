"""`--set` changes a suite for one call, in its trials, commands and errors."""

from __future__ import annotations

import pytest

import evenhand as eh
from evenhand.errors import SpecError
from evenhand.suite.commands import suite_command
from evenhand.suite.only import restrict
from evenhand.suite.resolve import open_suite
from tests.suite.suite_text import TEXT

SUITE = "kini2021_table1"


def test_one_change_takes_the_selection_from_every_problem():
    plain, changed = open_suite(SUITE), open_suite(SUITE, ["problems.selection=null"])
    for before, after in zip(plain.configurations, changed.configurations, strict=True):
        assert before.problem.selection == "ldam"
        assert after.problem == before.problem.model_copy(update={"selection": None})
        assert after.method == before.method  # settings of `on:` match both names
    assert not plain.trials.keys() & changed.trials.keys()


def test_a_field_of_the_recipe_is_set_for_problems_with_a_recipe_of_their_own():
    suite = open_suite("narasimhan2021_table2", ["recipe.epochs=20", "seeds=[3]"])
    assert len({trial.recipe.name for trial in suite.trials.values()}) == 3
    assert {(t.recipe.epochs, t.seed) for t in suite.trials.values()} == {(20, 3)}


def test_a_suite_without_changes_has_the_keys_of_its_file(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(TEXT, encoding="utf-8")
    changed = open_suite(path, ["seeds=2", "recipe.epochs=100"])
    assert changed.trials.keys() == open_suite(path).trials.keys()


def test_commands_of_a_part_repeat_the_changes():
    suite = restrict(open_suite(SUITE, ["problems.selection=null"]), ["seed=0"])
    command = suite_command("report", suite)
    assert command == f"evenhand report {SUITE} --only seed=0 --set problems.selection=null"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("problems.selection=x", "--set problems.selection=x: selection = 'x'"),
        ("problems.selectio=null", "did you mean 'selection'"),
        ("recipe.epoch=2", "did you mean 'recipe.epochs'"),
        ("methods=[erm]", "has no 'methods' that can be set"),
        ("seeds", "is not PATH=VALUE"),
        ("seeds=", "is not PATH=VALUE"),
        ("seeds=[", "not a value of YAML"),
        ("seeds=0", "--set seeds=0: seeds = 0"),
    ],
)
def test_a_wrong_change_is_named_in_the_error(change, says):
    with pytest.raises(SpecError) as raised:
        open_suite(SUITE, [change])
    assert says in str(raised.value)


@pytest.fixture
def two_problems(tmp_path):
    """A suite of two problems that differ in the ratio."""
    path = tmp_path / "small.yaml"
    problem = "  - digits: {profile: exp, ratio: 10}\n"
    path.write_text(TEXT.replace(problem, problem + problem.replace("10", "20")))
    return path


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        ("problems.ratio=3", 5, "the problem digits-exp-3 is listed twice"),
        ("problems.profile=natural", 4, "digits under the profile natural has no key 'ratio'"),
        ("metrics=[accuracy]", 13, "primary 'balanced_accuracy' is not among"),
    ],
)
def test_a_line_that_a_change_makes_wrong_names_the_change(two_problems, change, line, says):
    with pytest.raises(SpecError) as raised:
        open_suite(two_problems, [change])
    assert f"small.yaml:{line} with --set {change}: {says}" in str(raised.value)


def test_a_value_inside_a_changed_value_is_of_the_change(two_problems):
    with pytest.raises(SpecError) as raised:
        open_suite(two_problems, ["metrics=[accuracy, {a: 1}]"])
    assert "--set metrics=[accuracy, {a: 1}]: metrics: write text" in str(raised.value)
    assert "small.yaml:12" not in str(raised.value)


def test_a_profile_cannot_be_left_out_by_null(two_problems):
    with pytest.raises(SpecError) as raised:
        open_suite(two_problems, ["problems.profile=null"])
    told = str(raised.value)
    assert told.startswith("--set problems.profile=null: profile = nothing: every problem has")
    assert "write exp, natural or step" in told


@pytest.mark.parametrize("changes", [1, [1], [None], {"seeds": 1}])
def test_changes_in_python_are_texts(changes):
    with pytest.raises(SpecError, match="write"):
        eh.open_suite("quickstart", changes=changes)
    with pytest.raises(SpecError, match="write"):
        eh.open_suite("quickstart", only=changes)


def test_changes_of_a_document_are_texts():
    with pytest.raises(SpecError, match="1 is not a text PATH=VALUE"):
        open_suite("quickstart", [1])
