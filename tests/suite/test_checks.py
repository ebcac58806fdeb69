"""What must hold between the parts of a suite."""

from __future__ import annotations

import pytest

from evenhand.declared.decorators import method, metric
from evenhand.declared.plugin import Plugin
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Val
from evenhand.errors import SpecError
from evenhand.suite.problems import known_counts, resolve_problem
from tests.data.samples import has_facts
from tests.suite.suite_text import resolved, with_

TWO_STAGES = """
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.declared.method import Method, Stage
from evenhand.declared.decorators import method

@method(cite="none")
def lasts(lr: float = 1.0) -> Method:
    \"\"\"A setting that is called like a recipe's field.\"\"\"
    return Method(Stage(VectorScaling()))
"""


def test_a_stage_that_would_begin_after_the_last_epoch_is_refused():
    text = with_("recipe: digits\n", "recipe: {digits: {epochs: 2, schedule: constant}}\n").replace(
        "- erm", "- ldam_drw"
    )
    text = text.replace("baseline: erm", "baseline: ldam_drw")

    with pytest.raises(SpecError, match=r"of 2 epochs .* 1 and 3") as told:
        resolved(text)
    assert str(told.value).startswith("small.yaml:9: ldam_drw(")


def test_a_stage_of_one_epoch_is_enough():
    text = with_("recipe: digits\n", "recipe: {digits: {epochs: 3, schedule: constant}}\n").replace(
        "- erm", "- erm_drw"
    )
    assert resolved(text.replace("baseline: erm", "baseline: erm_drw")).rows == ("erm_drw", "la")


def test_under_select_two_entries_must_not_share_a_row():
    text = with_("  - la: {tau: 1.0}\n", "  - la\n  - la: {tau: {grid: [0.5, 1.5]}}\n")
    assert resolved(text).rows == ("erm", "la", "la(tau=0.5)", "la(tau=1.5)")

    with pytest.raises(SpecError, match="two entries have the row la") as told:
        resolved(text + "select: {on: val}\n")
    assert "one entry's grid" in str(told.value)


def test_a_setting_called_like_a_field_of_the_recipe_is_told_apart(unregistered, tmp_path):
    (tmp_path / "lasts.py").write_text(TWO_STAGES)
    Plugin.read(tmp_path / "lasts.py").load()
    text = with_("recipe: digits\n", "recipe: {digits: {lr: {grid: [0.1, 0.2]}}}\n")
    text = text.replace("  - la: {tau: 1.0}\n", "  - lasts: {lr: {grid: [1.0, 2.0]}}\n")

    rows = resolved(text).rows
    assert rows[2:] == (
        "lasts(lr=1, recipe.lr=0.1)",
        "lasts(lr=1, recipe.lr=0.2)",
        "lasts(lr=2, recipe.lr=0.1)",
        "lasts(lr=2, recipe.lr=0.2)",
    )


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (
            "mean: [0.5, 0.5, 0.5]",
            "has 1 channel\n  write 1 number, or `mean: null`",
        ),
        ("std: [0.0]", "std"),
        ("std: [-1.0]", "std"),
    ],
)
def test_statistics_that_do_not_fit_the_images_are_refused(field, says):
    with pytest.raises(SpecError, match=says):
        resolved(with_("recipe: digits\n", f"recipe: {{digits: {{{field}}}}}\n"))


def test_a_plugin_is_compiled_as_it_stands(unregistered, tmp_path):
    text = TWO_STAGES.replace("def lasts(lr: float = 1.0)", "def lasts(lr: (Rate := float) = 1.0)")
    (tmp_path / "lasts.py").write_text(text)
    Plugin.read(tmp_path / "lasts.py").load()
    assert REGISTRY.get("method", "lasts").settings["lr"].type_name == "float"


def test_a_plugin_that_changes_makes_other_trials(unregistered, tmp_path):
    text = with_("- erm", "- lasts").replace("baseline: erm", "baseline: lasts")
    keys = []
    for body in (
        TWO_STAGES,
        TWO_STAGES.replace("Stage(VectorScaling())", "Stage( VectorScaling())"),
        TWO_STAGES.replace("VectorScaling())", 'VectorScaling(), reduce="weighted_mean")'),
    ):
        REGISTRY._entries["method"].pop("lasts", None)
        (tmp_path / "lasts.py").write_text(body)
        Plugin.read(tmp_path / "lasts.py").load()
        cells = resolved(text).configurations
        keys.append({cell.row: cell.trials[0].key for cell in cells})

    assert keys[0]["lasts"] == keys[1]["lasts"] != keys[2]["lasts"]
    assert keys[0]["la"] == keys[1]["la"] == keys[2]["la"]


def test_a_method_that_fails_when_it_is_made_is_told_with_its_line(unregistered, tmp_path):
    (tmp_path / "lasts.py").write_text(TWO_STAGES.replace("VectorScaling())", "VectorScalling())"))
    Plugin.read(tmp_path / "lasts.py").load()
    text = with_("- erm", "- lasts").replace("baseline: erm", "baseline: lasts")

    with pytest.raises(
        SpecError, match=r"lasts\.py:\d+: lasts\(\) fails: NameError: .*VectorScalling"
    ):
        resolved(text)


def test_a_method_that_is_refused_when_it_is_made_is_told_with_its_line(unregistered, tmp_path):
    (tmp_path / "lasts.py").write_text(
        "from evenhand import Method, Stage, losses, method\n"
        "@method(cite='me2026')\n"
        "def lasts() -> Method:\n"
        '    """Logit adjustment under two schedules."""\n'
        "    first = Stage(losses.la(), until=0.5)\n"
        "    return Method(first, Stage(losses.la(), schedule='cosine'))\n"
    )
    Plugin.read(tmp_path / "lasts.py").load()
    text = with_("- erm", "- lasts").replace("baseline: erm", "baseline: lasts")

    with pytest.raises(SpecError, match=r"lasts\.py:6: .*the recipe's and 'cosine'"):
        resolved(text)


def test_the_line_of_a_refused_part_is_not_in_generated_code(unregistered, tmp_path):
    """`dataclass` generates the method that calls `__post_init__`."""
    (tmp_path / "lasts.py").write_text(
        "from evenhand import Method, Stage, losses, method\n"
        "from evenhand.objectives.objective import Objective\n"
        "@method(cite='me2026')\n"
        "def lasts() -> Method:\n"
        '    """Logit adjustment for a goal that does not exist."""\n'
        "    Objective(maximize='nothing')\n"
        "    return Method(Stage(losses.la()))\n"
    )
    Plugin.read(tmp_path / "lasts.py").load()
    text = with_("- erm", "- lasts").replace("baseline: erm", "baseline: lasts")

    with pytest.raises(SpecError, match=r"lasts\.py:6: .*no goal is called 'nothing'"):
        resolved(text)


def test_several_values_without_a_grid_are_told_of_it():
    with pytest.raises(SpecError, match=r"write \{grid: \[0\.5, 1\.0\]\}"):
        resolved(with_("{tau: 1.0}", "{tau: [0.5, 1.0]}"))


def test_a_name_like_no_other_may_be_in_a_plugin():
    with pytest.raises(SpecError, match="name its file: --plugin FILE"):
        resolved(with_("- erm", "- zzz"))


def test_a_metric_must_say_which_scores_are_better():
    with pytest.raises(SpecError, match='@metric\\(better="higher"\\)'):

        @metric()
        def shapeless(counts, train):
            return 0.0


def test_settings_are_named_one_by_one(unregistered):
    @method(cite="none")
    def loose(**settings: float):
        """Takes whatever comes."""

    with pytest.raises(SpecError, match="name each setting in the signature"):
        _ = REGISTRY.get("method", "loose").settings


def test_a_type_that_is_not_there_is_told_with_its_part(unregistered):
    @method(cite="none")
    def vague(tau: Nope = 1.0):  # noqa: F821
        """Has a setting of an unknown type."""

    with pytest.raises(SpecError, match="method 'vague': the type of a setting: name 'Nope'"):
        _ = REGISTRY.get("method", "vague").settings


@pytest.mark.parametrize(
    ("problem", "val", "says"),
    [
        ("digits: {profile: exp, ratio: 20000}", "{per_class: 20}", "of 104 … of at most 104"),
        ("digits: {profile: step, ratio: 100}", "{fraction: 0.2}", "1 image, … of at most 62"),
        ("digits", "{per_class: 2000}", "128 training images … 2,000 … {per_class: 20}"),
        ("digits: {n_max: 200, profile: exp, ratio: 2}", "none", "needs 200 … at most 1"),
        ("cifar10: {profile: exp, ratio: 5001}", "none", "class truck keeps no … at most 5000"),
        ("cifar100: {val: {per_class: 500}}", "none", "class apple has 500 … {per_class: 20}"),
        ("waterbirds", "{per_class: 1113}", "class waterbird has 1,113 … {fraction: 0.2}"),
        ("waterbirds", "{per_class: 1112}", "waterbird in land: train 0 … {per_class: 20}"),
        ("digits_coloured: {profile: step, ratio: 9999}", "none", "class large … at most 273"),
    ],
)
def test_sizes_that_are_known_are_checked_without_the_files(problem, val, says):
    text = with_("  - digits: {profile: exp, ratio: 10}\n", f"  - {problem}\n")
    with pytest.raises(SpecError) as told:
        resolved(text.replace("val: {per_class: 20}", f"val: {val}"))
    assert str(told.value).startswith("small.yaml:4: ")
    assert has_facts(told.value, says)


@pytest.mark.parametrize(
    ("problem", "val"),
    [
        ("digits: {profile: exp, ratio: 104}", "{per_class: 20}"),
        ("digits", "{per_class: 123}"),
        ("cifar10: {profile: exp, ratio: 5000}", "none"),
        ("waterbirds", "{per_class: 200}"),
        ("tinyimagenet: {profile: exp, ratio: 500}", "{test_half: true}"),
    ],
)
def test_the_largest_possible_sizes_are_valid(problem, val):
    text = with_("  - digits: {profile: exp, ratio: 10}\n", f"  - {problem}\n")
    assert resolved(text.replace("val: {per_class: 20}", f"val: {val}")).trials


@pytest.mark.parametrize("name", ["digits", "digits_coloured", "digits_coloured10"])
def test_the_known_sizes_are_those_of_the_data_set(name):
    problem = resolve_problem(name, {}, Val())
    known, source = known_counts(problem), REGISTRY.get("dataset", name).make()
    found = source.counts()
    for split in ("train", "val", "test"):
        mine, theirs = getattr(known, split), getattr(found, split)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert mine.sum(1).tolist() == theirs.sum(1).tolist()


@pytest.mark.parametrize("metric", ["worst_group_accuracy", "balanced_group_error", "deo_sum"])
def test_a_metric_of_groups_needs_a_problem_with_groups(metric):
    text = with_("[balanced_accuracy, accuracy]", f"[balanced_accuracy, {metric}]")
    with pytest.raises(SpecError) as told:
        resolved(text)
    [mistake] = told.value.mistakes
    assert (
        mistake.what == f"{metric} is a metric of groups, and no problem of this suite has groups"
    )
    assert str(told.value).startswith("small.yaml:11: ")
    assert resolved(text.replace("problems:\n", "problems:\n  - digits_coloured\n")).trials
    assert resolved(text.replace("problems:\n", "problems:\n  - waterbirds_features\n")).trials


def test_a_metric_of_groups_that_only_selects_needs_groups_too():
    text = with_("baseline: erm\n", "baseline: erm\nselect: {by: worst_group_error}\n")
    with pytest.raises(SpecError, match="worst_group_error is a metric of groups") as told:
        resolved(text)
    assert len(told.value.mistakes) == 1


def test_the_groups_of_a_table_are_not_known_before_it_is_read():
    text = with_("[balanced_accuracy, accuracy]", "[balanced_accuracy, worst_group_accuracy]")
    table = "  - table: {path: birds.csv, label: species}\n"
    assert resolved(text.replace("  - digits: {profile: exp, ratio: 10}\n", table)).trials


def test_a_mistake_in_a_named_row_has_its_name():
    text = with_("  - la: {tau: 1.0}\n", "  - ldam_drw: {as: b1}\n  - ldam_drw: {as: b2, b: 0.9}\n")
    text = text.replace("recipe: digits\n", "recipe: {digits: {epochs: 2, schedule: constant}}\n")
    with pytest.raises(SpecError) as told:
        resolved(text)
    assert [m.what.partition("(")[0] for m in told.value.mistakes] == [
        "b1: ldam_drw",
        "b2: ldam_drw",
    ]


def test_rows_that_are_the_same_are_told_with_their_names():
    text = with_("  - la: {tau: 1.0}\n", "  - la: {as: b1, tau: 1.0}\n  - la: {as: b2}\n")
    with pytest.raises(SpecError, match=r"la\(tau=1\) is listed twice, as b1 and as b2"):
        resolved(text)


def test_seeds_that_no_stream_follows_are_refused():
    with pytest.raises(SpecError, match=r"vary = \[\]: the 2 seeds would train the same network"):
        resolved(with_("seeds: 2", "seeds: 2\nvary: []"))
    assert resolved(with_("seeds: 2", "seeds: 1\nvary: []")).trials


@pytest.mark.parametrize(
    ("entry", "changes", "said"),
    [
        ("csl: {step: {grid: [0.1, 0.2]}}", [], "learns from held-out images"),
        ("la: {tau: {grid: [1, 2]}, posthoc: post_shift}", [], "learns from held-out images"),
        (
            "la: {posthoc: {post_shift: {steps: {grid: [2, 3]}}}}",
            [],
            "learns from held-out images",
        ),
        (
            "la: {tau: 2.0}",
            [("ratio: 10", "ratio: {grid: [5000, 6000]}")],
            "keeps no image",
        ),
    ],
)
def test_what_every_value_of_a_grid_has_wrong_is_reported_once(entry, changes, said):
    text = with_("la: {tau: 1.0}", entry).replace("val: {per_class: 20}", "val: none")
    for old, new in changes:
        text = text.replace(old, new)
    with pytest.raises(SpecError) as told:
        resolved(text)
    assert str(told.value).count(said) == 1
