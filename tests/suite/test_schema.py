"""The JSON Schema of suites, against a validator that is not ours."""

from __future__ import annotations

import json

import jsonschema
import pytest

from evenhand.declared.recipe import Recipe
from evenhand.suite.declaration import shipped
from evenhand.suite.schema import suite_schema
from evenhand.suite.yaml_lines import parse, read
from tests.suite.suite_text import TEXT, with_

SCHEMA = suite_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def is_valid(text: str) -> bool:
    return bool(VALIDATOR.is_valid(parse(text, "x.yaml").data))


def test_it_is_a_schema_and_is_json():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", shipped().values(), ids=lambda path: path.stem)
def test_every_shipped_suite_satisfies_it(path):
    assert not list(VALIDATOR.iter_errors(read(path).data))


def test_every_recipe_field_is_there():
    branches = SCHEMA["$defs"]["Recipe"]["anyOf"]
    [digits] = [b["properties"]["digits"] for b in branches if "digits" in b.get("properties", ())]
    fields = digits["properties"]
    assert fields.keys() == {*Recipe.model_fields, "sample"} - {"name"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: 1", "version: 2"),
        ("{tau: 1.0}", "{tau: 1}"),
        ("{tau: 1.0}", "{tau: {grid: [1, 2.5]}}"),
        ("{tau: 1.0}", "{sample: 3, tau: {uniform: [1, 2]}}"),
        ("  - la: {tau: 1.0}", "  - la:"),
        ("  - erm", "  - ce"),
        ("seeds: 2", "seeds: [3, 5]"),
        ("seeds: 2", "seeds: 2\nselect: {by: accuracy, epoch: best-val}"),
        ("seeds: 2", "seeds: 2\nvary: [init]"),
        ("{per_class: 20}", "{fraction: 0.2}"),
        ("{per_class: 20}", "{further: 0.2}"),
        ("{per_class: 20}", "{test_half: true}"),
        ("{per_class: 20}", "none"),
        ("{per_class: 20}", "{per_class: 20}\ndata: ../images"),
        ("ratio: 10", "ratio: {grid: [10, 20]}"),
        ("ratio: 10", "ratio: 10, n_max: 50, val: none"),
        ("ratio: 10", "ratio: 10, n_max: {grid: [50, 60]}"),
        ("ratio: 10", "ratio: 10, selection: ldam, val: none"),
        ("profile: exp", "profile: {grid: [exp, step]}"),
        ("ratio: 10", "ratio: {uniform: [10, 20]}, sample: 2"),
        ("recipe: digits", "recipe: {digits: {lr: {grid: [0.1, 0.2]}}}"),
        ("recipe: digits", "recipe: {digits: {sample: 3, lr: {loguniform: [0.1, 0.2]}}}"),
        ("{tau: 1.0}", "{as: 'LA, ours', tau: 1.0}"),
        ("baseline: erm", "baseline: ERM"),
        ("baseline: erm", "baseline: la (tau=1)"),
        ("recipe: digits", "recipe: {digits: {optimizer: {adamw: {eps: 1.0e-7}}, mixing: mixup}}"),
        ("{tau: 1.0}", "{recipe: {sam: [0.1, 0.2], lr: {grid: [0.1, 0.2]}}}"),
        ("{tau: 1.0}", "{recipe: {schedule: {step: {drops: [[0.5, 0.1]]}}}}"),
        ("{tau: 1.0}", "{on: {digits-*: {tau: 2, recipe: {sam: 0.1}}}}"),
        ("seeds: 2", "seeds: 2\nfigures: [{x: tau, y: accuracy}, {curves: val_accuracy}]"),
    ],
)
def test_what_a_suite_may_say_is_allowed(old, new):
    assert is_valid(with_(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seeds: 2", "seed: 2"),
        ("recipe: digits\n", ""),
        ("  - erm", "  - ermm"),
        ("{tau: 1.0}", "{tua: 1.0}"),
        ("{tau: 1.0}", "{tau: high}"),
        ("{tau: 1.0}", "{tau: {grid: []}}"),
        ("{tau: 1.0}", "{sample: 3, tau: {unifrom: [1, 2]}}"),
        ("ratio: 10", "ratio: 0.5"),
        ("ratio: 10", "ration: 10"),
        ("profile: exp", "profile: expo"),
        ("[balanced_accuracy, accuracy]", "[balanced_accuracy, acuracy]"),
        ("seeds: 2", "seeds: 0"),
        ("seeds: 2", "seeds: [-1]"),
        ("seeds: 2", "seeds: []"),
        ("seeds: 2", "seeds: 2\nselect: {on: test}"),
        ("recipe: digits", "recipe: {digits: {epoch: 3}}"),
        ("recipe: digits", "recipe: {digits: {epochs: many}}"),
        ("{per_class: 20}", "{per_class: 20, fraction: 0.2}"),
        ("{per_class: 20}", "20"),
        ("{per_class: 20}", "{test_half: false}"),
        ("ratio: 10", "ratio: 10, selection: first"),
        ("  - la: {tau: 1.0}", "  - la: {tau: 1.0}\n    vs: {}"),
        ("{tau: 1.0}", "{as: 3}"),
        ("{tau: 1.0}", "{recipe: digits}"),
        ("{tau: 1.0}", "{recipe: {epoch: 3}}"),
        ("{tau: 1.0}", "{on: {digits-*: {tua: 2}}}"),
        ("{tau: 1.0}", "{on: {digits-*: {as: LA}}}"),
        ("{tau: 1.0}", "{on: {digits-*: {recipe: {epoch: 3}}}}"),
        ("seeds: 2", "seeds: 2\nfigures: [{z: tau}]"),
    ],
)
def test_a_mistake_is_underlined(old, new):
    assert not is_valid(with_(old, new))


def test_the_small_suite_satisfies_it():
    assert is_valid(TEXT)
