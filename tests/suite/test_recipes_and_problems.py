"""Recipes with fields replaced, and problems from their entries in a suite."""

from __future__ import annotations

from textwrap import dedent

import pytest

from evenhand.declared.base import Part
from evenhand.declared.labels import Labels
from evenhand.declared.recipe import Recipe, Sam
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Val
from evenhand.errors import SpecError
from evenhand.suite.declaration import load
from evenhand.suite.problems import has_validation, resolve_problem
from evenhand.suite.recipes import FIELDS, part, resolve_recipe
from evenhand.suite.requirements import declared_facts
from evenhand.suite.resolve import resolve
from evenhand.suite.yaml_lines import parse


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
        "dense_from": 0.8,
        "dense_until": 0.1,
        "evaluate_train": True,
        "bound_terms": True,
        "best_by": "accuracy",
        "sam": [0.1, 0.2],
        "train_on": "all",
        "decay_norms": False,
        "drop_last": True,
        "angle_to": {"cs_svm": {"delta": 2.0}},
        "optimizer": "sgd",
        "mixing": {"remix": {"tau": 0.4}},
    }
    assert list(given) == FIELDS
    recipe = resolve_recipe("digits", given)
    assert recipe.backbone.settings == {"hidden": 8}
    assert recipe.schedule == Part(name="cosine")
    assert [a.name for a in recipe.augment] == ["flip", "crop"]
    assert (recipe.lr, recipe.mean, recipe.best_by) == (1.0, (0.5,), "accuracy")
    assert recipe.sam == Sam(rho=(0.1, 0.2))


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
        ({"profile": "exp", "ratio": 100, "selection": "ldam"}, "digits-exp-100-ldam"),
        ({"profile": "exp", "ratio": 100, "val": {"test_half": True}}, "digits-exp-100-testhalf"),
        ({"val": {"test_half": True}}, "digits-testhalf"),
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
        ({"val": {"test_half": True}}, Val(test_half=True)),
    ],
)
def test_its_own_val_comes_before_the_suites(given, val):
    problem = resolve_problem("digits", given, Val(per_class=5))
    assert problem.val == val
    assert has_validation(problem) == (val != Val())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"profile": "exp", "ratio": 9, "selection": "LDAM"}, "did you mean 'ldam'?"),
        ({"profile": "exp", "ratio": 9, "selection": 3}, "selection = 3\n  selections: ldam"),
        ({"selection": "ldam"}, "selection: the profile natural keeps all images"),
        (
            {"profile": "exp", "ratio": 9, "selection": "ldam", "val": {"per_class": 5}},
            "selection ldam: `val: {per_class: 5}` would take its images",
        ),
    ],
)
def test_a_selection_that_cannot_be_is_told(given, says):
    with pytest.raises(SpecError) as raised:
        resolve_problem("digits", given, Val())
    assert says in str(raised.value)
    assert raised.value.mistakes[0].where == ("selection",)


def test_a_selection_may_be_split_after_it_was_made():
    for val in (Val(), Val(fraction=0.2), Val(test_half=True)):
        given = {"profile": "exp", "ratio": 9, "selection": "ldam"}
        assert resolve_problem("digits", given, val).selection == "ldam"


def test_a_data_set_of_equal_classes_says_how_large_they_are():
    facts = REGISTRY.get("dataset", "cifar100").facts
    assert (facts["per_class"], facts["n_classes"], facts["shape"]) == (500, 100, (32, 32, 3))


def test_problems_of_one_table_are_told_apart_by_their_settings():
    text = """
        suite: birds
        question: Which column?
        problems:
          - table: {path: a/birds.csv, label: species}
          - table: {path: a/birds.csv, label: species, group: place}
          - table: {path: b/birds.csv, label: species}
          - table: {path: cats.csv, label: breed}
        recipe: features-linear
        seeds: 1
        methods: [erm]
        metrics: [accuracy]
        primary: accuracy
        baseline: erm
    """
    document = parse(dedent(text), "birds.yaml")
    names = resolve(load(document), document).problems
    assert names == (
        "table-birds-path-a.birds.csv",
        "table-birds-path-a.birds.csv-group-place",
        "table-birds-path-b.birds.csv",
        "table-cats",
    )


def test_what_a_table_alone_knows_is_not_made_up_to_plan():
    part = REGISTRY.part("dataset", "table", {"path": "birds.csv", "label": "species"})
    known = declared_facts(Problem(dataset=part, profile=Part(name="natural")))
    assert known.labels is None
    assert known.has_validation
    of_digits = declared_facts(Problem(dataset=Part(name="digits"), profile=Part(name="natural")))
    assert of_digits.labels == Labels(tuple("0123456789"), 10, 1)
    assert not of_digits.has_validation
