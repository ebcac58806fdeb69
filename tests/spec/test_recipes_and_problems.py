"""Recipes with fields replaced, and problems from their entries in a suite."""

from __future__ import annotations

import pytest

from harness.errors import SpecError
from harness.spec.base import Part
from harness.spec.problems import has_validation, resolve_problem
from harness.spec.recipes import FIELDS, part, resolve_recipe
from harness.spec.registry import REGISTRY
from harness.spec.trial import Problem, Recipe, Val


@pytest.mark.parametrize("entry", list(REGISTRY.all("recipe")), ids=lambda entry: entry.name)
def test_every_recipe_is_made_of_parts_that_there_are(entry):
    recipe = entry.make()
    assert isinstance(recipe, Recipe)
    assert recipe.name == entry.name
    parts = [("backbone", recipe.backbone), ("schedule", recipe.schedule)]
    for kind, own in [*parts, *(("augmentation", a) for a in recipe.augment)]:
        assert REGISTRY.part(kind, own.name, own.settings) == own
    assert REGISTRY.get("metric", recipe.best_by)


def test_a_part_goes_by_the_name_of_its_keyword():
    assert part("backbone", mlp={"hidden": 8}) == Part(name="mlp", settings={"hidden": 8})


def test_a_recipe_without_changes_is_the_registered_one():
    assert resolve_recipe("digits", {}) == REGISTRY.get("recipe", "digits").make()


def test_any_field_may_be_replaced():
    given = {
        "backbone": {"mlp": {"hidden": 8}},
        "epochs": 3,
        "batch": 16,
        "lr": 1,
        "momentum": 0,
        "nesterov": True,
        "weight_decay": 0,
        "warmup": 0,
        "schedule": "cosine",
        "augment": ["flip", {"crop": {"padding": 2}}],
        "mean": [0.5],
        "std": [0.25],
        "precision": "bf16",
        "deterministic": False,
        "evaluate_every": 2,
        "best_by": "accuracy",
    }
    assert list(given) == FIELDS
    recipe = resolve_recipe("digits", given)
    assert recipe.backbone.settings == {"hidden": 8}
    assert recipe.schedule == Part(name="cosine")
    assert [a.name for a in recipe.augment] == ["flip", "crop"]
    assert (recipe.lr, recipe.mean, recipe.best_by) == (1.0, (0.5,), "accuracy")


def test_no_augmentation_is_an_empty_list():
    assert resolve_recipe("digits", {"augment": []}).augment == ()


def test_every_mistake_in_a_recipe_is_told():
    with pytest.raises(SpecError) as raised:
        resolve_recipe("digits", {"epoch": 1, "backbone": "mpl", "augment": ["flop"], "best_by": 3})
    assert [m.where[0] for m in raised.value.mistakes] == [
        "epoch",
        "backbone",
        "augment",
        "best_by",
    ]


def test_settings_go_to_the_profile_that_has_them():
    problem = resolve_problem("digits", {"profile": "exp", "ratio": 10, "n_max": 50}, Val())
    assert problem == Problem(
        dataset=Part(name="digits"),
        profile=Part(name="exp", settings={"ratio": 10.0}),
        n_max=50,
    )


def test_without_a_profile_a_problem_is_the_data_set_as_it_is():
    assert resolve_problem("digits", {}, Val()).profile == Part(name="natural")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "digits"),
        ({"profile": "exp", "ratio": 100}, "digits-exp-100"),
        ({"profile": "step", "ratio": 2.5}, "digits-step-2.5"),
        ({"profile": "exp", "ratio": 100, "n_max": 50}, "digits-exp-100-n50"),
    ],
)
def test_a_problem_has_the_name_that_filters_use(given, name):
    assert resolve_problem("digits", given, Val()).name == name


@pytest.mark.parametrize(
    ("given", "val"),
    [
        ({}, Val(per_class=5)),
        ({"val": "none"}, Val()),
        ({"val": {"per_class": 9}}, Val(per_class=9)),
        ({"val": {"fraction": 0.5}}, Val(fraction=0.5)),
    ],
)
def test_its_own_val_comes_before_the_suites(given, val):
    problem = resolve_problem("digits", given, Val(per_class=5))
    assert problem.val == val
    assert has_validation(problem) == (val != Val())
