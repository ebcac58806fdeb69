"""The rows that `baseline:` names, and the names that stand for several."""

from __future__ import annotations

import pytest
import yaml

from evenhand.errors import SpecError
from evenhand.suite.resolve import Suite
from tests.suite.suite_text import TEXT

KEYS = yaml.safe_load(TEXT)
RATES = {"digits": {"lr": {"grid": [0.1, 0.05]}}}


def suite(methods, baseline, **changes):
    return Suite(**KEYS | {"methods": yaml.safe_load(methods), "baseline": baseline} | changes)


def baselines(*args, **changes):
    configurations = suite(*args, **changes).configurations
    return list(dict.fromkeys(c.row for c in configurations if c.is_baseline))


@pytest.mark.parametrize(
    ("methods", "baseline", "rows"),
    [
        ("[erm, la]", "erm", ["erm"]),
        ("[erm, la]", "ce", ["erm"]),
        ("[erm, la]", "ERM", ["erm"]),
        ("[erm: {as: b1}, erm: {as: b2, recipe: {lr: 0.2}}, la]", "b2", ["b2"]),
        ("[erm: {as: b1}, erm: {as: b2, recipe: {lr: 0.2}}, la]", "erm", ["b1", "b2"]),
        ("[erm, la: {as: plain, tau: 0}]", "plain", ["plain"]),
        ("[erm, la: {as: plain, tau: 0}]", "la", ["plain"]),
        ("[erm, la, la: {tau: 2}]", "la", ["la"]),
        ("[erm, la, la: {tau: 2}]", "la(tau=2)", ["la(tau=2)"]),
        ("[erm, la: {tau: {grid: [1, 2, 3]}}]", "LA (tau=2)", ["la(tau=2)"]),
        ("[erm, erm: {posthoc: tau_norm}]", "erm+tau_norm", ["erm+tau_norm"]),
        ("[tau_norm, la]", "tau_norm", ["tau_norm"]),
        ("[erm: {teacher: la}, la]", "distilled-erm", ["distilled-erm"]),
        ("[la: {tau: {grid: [1, 2]}}]", "la", ["la(tau=1)", "la(tau=2)"]),
    ],
)
def test_a_baseline_is_a_method_or_a_row(methods, baseline, rows):
    assert baselines(methods, baseline) == rows


def test_a_name_without_settings_is_the_row_of_each_recipe():
    methods = "[erm: {as: b1}, erm: {as: b2, recipe: {momentum: 0.5}}, la]"
    rows = [f"b1 (lr={lr})" for lr in (0.1, 0.05)]
    assert baselines(methods, "b1", recipe=RATES) == rows
    assert baselines(methods, rows[1], recipe=RATES) == rows[1:]


def test_settings_that_compete_are_one_row():
    methods = "[erm, la: {tau: {grid: [1, 2]}}]"
    assert baselines(methods, "la", select={"on": "val"}) == ["la"]


@pytest.mark.parametrize(
    ("methods", "baseline", "says"),
    [
        (
            "[erm, la: {as: b1, tau: 1}, la: {as: b2, tau: 2}]",
            "la",
            "2 rows under one recipe\n  {} b1, b2",
        ),
        ("[erm, la: {tau: {grid: [1, 2]}}]", "la", "2 rows .*\n  {} la\\(tau=1\\), la\\(tau=2\\)"),
        ("[erm, la: {as: x, tau: {grid: [1, 2]}}]", "x", "2 rows .*\n  {} x \\(tau=1\\), x"),
        ("[erm, la: {as: x}]", "y", "not among .*\n  they are: erm, la, x"),
        ("[erm, la: {as: my la}]", "my lb", "did you mean 'my la'"),
        ("[erm, la: {tau: {grid: [1, 2]}}]", "la(tau=3)", r"did you mean 'la\(tau=.\)'"),
    ],
)
def test_a_name_of_several_rows_or_of_none_is_refused(methods, baseline, says):
    with pytest.raises(SpecError, match=says.format("name one of them:")) as told:
        suite(methods, baseline)
    assert str(told.value).startswith("Suite: baseline")


def test_entries_that_differ_in_a_setting_under_one_recipe_are_ambiguous_under_select():
    methods = "[erm, la: {as: b1, tau: {grid: [1, 2]}}, la: {as: b2, tau: {grid: [3, 4]}}]"
    with pytest.raises(SpecError, match="stands for 2 rows"):
        suite(methods, "la", select={"on": "val"})


def test_an_entry_with_a_mistake_is_told_alone():
    with pytest.raises(SpecError) as told:
        suite("[erm, la: {as: b1, tua: 1}]", "b1")
    assert "baseline" not in str(told.value)
