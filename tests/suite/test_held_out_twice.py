"""Held-out images that a network was trained on choose nothing and get no labels of a teacher."""

from __future__ import annotations

import pytest

from evenhand.errors import SpecError
from evenhand.suite.resolve import Suite
from tests.suite.suite_text import resolved, with_

LA = "  - la: {tau: 1.0}\n"
SEEDS = "seeds: 2"
NONE = ("val: {per_class: 20}", "val: none")
ON_ALL = ("recipe: digits", "recipe: {digits: {train_on: all}}")


def text(entry, *changes):
    found = with_(LA, entry)
    for old, new in changes:
        assert old in found
        found = found.replace(old, new)
    return found


@pytest.mark.parametrize(
    ("entry", "changes", "said"),
    [
        ("  - autobalance\n", [(SEEDS, f"{SEEDS}\nselect: {{on: val}}")], "trains on the held-out"),
        ("  - autobalance: {posthoc: post_shift}\n", [], "trains on the held-out images"),
        ("  - autobalance: {teacher: erm}\n", [], "the teacher gives no labels"),
    ],
)
def test_a_retraining_on_all_images_is_refused_with_the_setting_that_helps(entry, changes, said):
    with pytest.raises(SpecError, match=said) as told:
        resolved(text(entry, *changes))
    assert "`retrain_on: train`" in str(told.value)
    alone = entry.replace("autobalance\n", "autobalance: {}\n").replace("{", "{retrain_on: train, ")
    resolved(text(alone.replace(", }", "}"), *changes))


@pytest.mark.parametrize(
    ("entry", "changes"),
    [
        (LA, [(SEEDS, f"{SEEDS}\nselect: {{on: val}}")]),
        ("  - la: {tau: 1.0, posthoc: post_shift}\n", []),
        ("  - la: {tau: 1.0, teacher: erm}\n", []),
    ],
)
def test_so_is_a_recipe_that_trains_on_all_images(entry, changes):
    with pytest.raises(SpecError, match="no `train_on` in its recipe"):
        resolved(text(entry, ON_ALL, *changes))
    resolved(text(entry, *changes))


@pytest.mark.parametrize(
    ("teacher", "right"),
    [
        ("autobalance", "`retrain_on: train`"),
        ("dfr", "`split: train`"),
        ("{erm: {recipe: {train_on: all}}}", "no `train_on` in its recipe"),
    ],
)
def test_a_teacher_that_uses_held_out_images_is_refused(teacher, right):
    with pytest.raises(SpecError, match=r"the teacher .* on the held-out images") as told:
        resolved(text(f"  - la: {{tau: 1.0, teacher: {teacher}}}\n"))
    assert right in str(told.value)


HALVED = ("val: {per_class: 20}", "val: {test_half: true}")


@pytest.mark.parametrize(
    ("entry", "changes"), [("  - autobalance\n", []), (LA, [ON_ALL])], ids=["method", "recipe"]
)
def test_no_network_trains_on_half_of_the_test_images(entry, changes):
    with pytest.raises(SpecError, match="which are test images of digits-exp-10") as told:
        resolved(text(entry, HALVED, *changes))
    assert "`val: {per_class: 20}`" in str(told.value)
    resolved(text(entry, *changes))


@pytest.mark.parametrize("entry", ["  - dfr\n", "  - la: {tau: 1.0, teacher: dfr}\n"])
def test_no_head_is_fitted_on_half_of_the_test_images(entry):
    with pytest.raises(SpecError, match="which are test images of digits-exp-10") as told:
        resolved(text(entry, HALVED))
    assert "fits its head on the held-out images" in str(told.value)
    assert "`split: train`" in str(told.value)


def test_half_of_the_test_images_may_guide_a_method():
    resolved(text("  - csl\n  - autobalance: {retrain_on: train}\n  - post_shift\n", HALVED))
    resolved(text("  - dfr: {split: train}\n", HALVED))


def test_all_images_are_more_than_the_training_images():
    with pytest.raises(SpecError, match=r"train_on = 'all': .*no held-out images") as told:
        resolved(text(LA, NONE, ON_ALL))
    assert "leave train_on out" in str(told.value)


def test_a_method_without_a_stage_cannot_train_on_all_images():
    """It would be solved for on fewer images than its competitors train on."""

    def suite(recipe):
        return Suite(
            suite="svm",
            question="Does a margin help?",
            problems=[{"gaussian_mixture": {"val": {"per_class": 3}}}],
            recipe={"digits": {"backbone": "linear", "augment": [], "train_on": "all"}},
            seeds=1,
            methods=["erm", {"cs_svm": recipe}],
            metrics=["balanced_accuracy"],
            primary="balanced_accuracy",
            baseline="erm",
        )

    with pytest.raises(SpecError, match=r"cs_svm.* has no stage of training") as told:
        suite({})
    assert "`recipe: {train_on: null}`" in str(told.value)
    trials = suite({"recipe": {"train_on": None}}).trials.values()
    assert {t.method.name: t.recipe.train_on for t in trials} == {"erm": "all", "cs_svm": None}
