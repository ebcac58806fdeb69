"""A trial's key: the same for one meaning, another for every other."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from evenhand.declared.base import Part, canonical
from evenhand.declared.recipe import Recipe
from evenhand.declared.trial import Problem, Teacher, Trial, Val
from tests.records import make_trial
from tests.suite.suite_text import TEXT, resolved, with_

TRIAL = Trial(
    problem=Problem(
        dataset=Part(name="digits"),
        profile=Part(name="exp", settings={"ratio": 100.0}),
        n_max=100,
        val=Val(per_class=24),
    ),
    method=Part(name="vs", settings={"tau": 1.25, "gamma": 0.15}),
    recipe=Recipe(
        name="digits",
        backbone=Part(name="cifar_resnet8", settings={"shortcut": "A"}),
        epochs=40,
        batch=32,
        schedule=Part(name="step", settings={"drops": [[0.8, 0.01], [0.9, 0.0001]]}),
        augment=(Part(name="crop", settings={"padding": 1}),),
        deterministic=True,
    ),
    seed=3,
)

DIGITS = resolved().configurations[0].recipe


def test_the_key_is_pinned():
    """If this changes, every record that was ever written is lost to planning: all runs anew.

    That is right only where `ENGINE_VERSION` or a part's `version` says that results would differ.
    A new optional field must be None where it is not used, and does not show here.
    """
    assert TRIAL.key == "4396a96cdbe04af7ba532ed2d577202a"
    assert TRIAL.key == Trial.model_validate_json(TRIAL.model_dump_json()).key


def test_the_key_is_32_hexadecimal_digits():
    assert len(TRIAL.key) == 32
    assert set(TRIAL.key) <= set("0123456789abcdef")


def test_the_key_is_the_same_in_another_process():
    code = (
        "import sys; from evenhand.declared.trial import Trial;"
        "print(Trial.model_validate_json(sys.argv[1]).key)"
    )
    command = [sys.executable, "-c", code, TRIAL.model_dump_json()]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == TRIAL.key


def test_the_order_of_fields_and_settings_does_not_matter():
    fields = dict(reversed(TRIAL.model_dump(mode="json").items()))
    fields["method"]["settings"] = {"gamma": 0.15, "tau": 1.25}
    assert Trial.model_validate_json(canonical(fields)).key == TRIAL.key


def test_the_order_of_streams_does_not_matter():
    a, b = make_trial(vary=("init", "subset")), make_trial(vary=("subset", "init"))
    assert a.key == b.key
    assert a == b


def test_the_name_of_the_recipe_does_not_matter():
    renamed = TRIAL.recipe.model_copy(update={"name": "another"})
    assert TRIAL.model_copy(update={"recipe": renamed}).key == TRIAL.key


def test_what_tells_a_problem_from_its_neighbours_does_not_matter():
    apart = TRIAL.problem.model_copy(update={"name_suffix": "val24"})
    assert apart.name == f"{TRIAL.problem.name}-val24"
    there = TRIAL.model_copy(update={"problem": apart})
    assert (there.key, there.workload) == (TRIAL.key, TRIAL.workload)


def test_a_changed_copy_has_its_own_key():
    assert TRIAL.model_copy(update={"seed": 9}).key != TRIAL.key
    assert TRIAL.model_copy().key == TRIAL.key


def test_a_key_is_the_hash_of_the_canonical_spec_without_the_names_of_recipes():
    whole = TRIAL.model_dump(mode="json")
    del whole["recipe"]["name"]
    assert TRIAL.key == hashlib.sha256(canonical(whole).encode()).hexdigest()[:32]

    own = TRIAL.model_copy(update={"teacher": Teacher(method=TRIAL.method, recipe=TRIAL.recipe)})
    whole = own.model_dump(mode="json")
    del whole["recipe"]["name"], whole["teacher"]["recipe"]["name"]
    assert own.key == hashlib.sha256(canonical(whole).encode()).hexdigest()[:32]


def test_what_a_declaration_remembers_is_none_of_its_fields():
    recipe = TRIAL.recipe.model_copy()
    assert recipe.unnamed
    assert recipe.text
    assert dict(recipe).keys() == Recipe.model_fields.keys()


def test_an_optional_field_that_is_none_does_not_show():
    assert canonical({"a": 1, "b": None, "c": [{"d": None}]}) == '{"a":1,"c":[{}]}'


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{tau: 1.0}", "{tau: 1}"),
        ("{tau: 1.0}", "{tau: 1e0}"),
        ("  - la: {tau: 1.0}", "  - la"),
        ("  - la:", "  - balanced:"),
        ("  - erm", "  - ce"),
        ("ratio: 10}", "ratio: 10.0}"),
        ("{profile: exp, ratio: 10}", "{ratio: 10, profile: exp}"),
        ("recipe: digits", f"recipe: {{digits: {{lr: {DIGITS.lr}, epochs: {DIGITS.epochs}}}}}"),
        ("recipe: digits", "recipe: {digits: {backbone: {cifar_resnet8: {shortcut: A}}}}"),
        ("recipe: digits", "recipe: {digits: {mean: }}"),
        ("question: Is a small suite enough?", "question: no\nexpect: a lot"),
        ("suite: small", "suite: other"),
        ("metrics: [balanced_accuracy, accuracy]", "metrics: [accuracy, error, balanced_accuracy]"),
    ],
)
def test_what_means_the_same_has_the_same_keys(old, new):
    assert resolved(with_(old, new)).trials.keys() == resolved(TEXT).trials.keys()


CHANGES = [
    {"seed": 4},
    {"vary": ("init",)},
    {"engine": 2},
    {"method": {"name": "la"}},
    {"method": {"version": 2}},
    {"method": {"code": "0123abcd"}},
    {"method": {"settings": {"tau": 1.0, "gamma": 0.15}}},
    {"method": {"settings": {"tau": 1.25}}},
    {"problem": {"n_max": 90}},
    {"problem": {"n_max": None}},
    {"problem": {"selection": "ldam"}},
    {"problem": {"val": {"per_class": 20}}},
    {"problem": {"val": {"test_half": True, "per_class": None}}},
    {"problem": {"val": {"fraction": 0.2, "per_class": None}}},
    {"problem": {"dataset": {"name": "mnist"}}},
    {"problem": {"dataset": {"version": 2}}},
    {"problem": {"dataset": {"settings": {"side": 8}}}},
    {"problem": {"profile": {"settings": {"ratio": 50.0}}}},
    {"problem": {"profile": {"name": "step"}}},
    {"recipe": {"backbone": {"settings": {"shortcut": "B"}}}},
    {"recipe": {"backbone": {"version": 2}}},
    {"recipe": {"epochs": 41}},
    {"recipe": {"batch": 33}},
    {"recipe": {"lr": 0.2}},
    {"recipe": {"momentum": 0.8}},
    {"recipe": {"nesterov": True}},
    {"recipe": {"weight_decay": 1e-4}},
    {"recipe": {"warmup": 0.1}},
    {"recipe": {"schedule": {"name": "cosine", "settings": {}}}},
    {"recipe": {"augment": []}},
    {"recipe": {"mean": [0.5]}},
    {"recipe": {"std": [0.5]}},
    {"recipe": {"precision": "bf16"}},
    {"recipe": {"deterministic": False}},
    {"recipe": {"evaluate_every": 2}},
    {"recipe": {"dense_from": 0.8}},
    {"recipe": {"dense_until": 0.1}},
    {"recipe": {"evaluate_train": True}},
    {"recipe": {"evaluate_train": True, "bound_terms": True}},
    {"recipe": {"best_by": "accuracy"}},
    {"recipe": {"decay_norms": False}},
    {"recipe": {"train_on": "all"}},
    {"recipe": {"drop_last": True}},
    {"recipe": {"angle_to": {"name": "svm"}}},
    {"recipe": {"optimizer": {"name": "adamw"}}},
    {"recipe": {"mixing": {"name": "mixup"}}},
    {"recipe": {"optimizer": {"name": "adamw", "settings": {"eps": 0.1}}}},
    {"recipe": {"angle_to": {"name": "cs_svm", "settings": {"delta": 2.0}}}},
    {"recipe": {"angle_to": {"name": "cs_svm", "settings": {"delta": 3.0}}}},
    {"recipe": {"sam": {"rho": [0.1]}}},
    {"recipe": {"sam": {"rho": [0.1, 0.2]}}},
    {"recipe": {"sam": {"rho": [0.1], "batch_norm": "first"}}},
    {"posthoc": {"name": "la_posthoc"}},
    {"posthoc": {"name": "la_posthoc", "version": 2}},
    {"posthoc": {"name": "la_posthoc", "settings": {"tau": 1.25}}},
    {"posthoc": {"name": "la_posthoc", "code": "0123abcd"}},
    {"teacher": {"method": {"name": "erm"}}},
    {"teacher": {"method": {"name": "erm"}, "temperature": 2.0}},
    {"teacher": {"method": {"name": "erm"}, "recipe": DIGITS.model_dump(mode="json")}},
]


def merged(into, change):
    for key, value in change.items():
        nested = isinstance(value, dict) and isinstance(into.get(key), dict) and key != "settings"
        into[key] = merged(into[key], value) if nested else value
    return into


def changed(change) -> Trial:
    return Trial.model_validate_json(canonical(merged(TRIAL.model_dump(mode="json"), change)))


def test_whatever_changes_changes_the_key():
    keys = [TRIAL.key, *(changed(change).key for change in CHANGES)]
    assert len(set(keys)) == len(keys)


def test_every_field_is_among_the_changes():
    def paths(value, at=()):
        if isinstance(value, dict) and at[-1:] != ("settings",):
            return {p for k, v in value.items() for p in paths(v, (*at, k))}
        return {at}

    tried = {p[:2] for change in CHANGES for p in paths(change)}
    parts = {("problem",), ("method",), ("recipe",), ("posthoc",), ("teacher",)}
    fields = {(f,) for f in Trial.model_fields} - parts
    fields |= {("problem", f) for f in Problem.model_fields if f != "name_suffix"}
    fields |= {("recipe", f) for f in Recipe.model_fields if f != "name"}
    fields |= {(part, f) for f in Part.model_fields for part in ("method", "posthoc")}
    fields |= {("teacher", f) for f in Teacher.model_fields}
    assert tried == fields
