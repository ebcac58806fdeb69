"""`contrasts:` are pairs of rows by their names, and `tested:` are metrics."""

from __future__ import annotations

import pytest
import yaml

from evenhand.errors import SpecError
from evenhand.suite.contrasts import contrast_rows
from evenhand.suite.declaration import shipped
from evenhand.suite.only import restrict
from evenhand.suite.resolve import Suite, open_suite
from tests.suite.suite_text import TEXT, resolved

KEYS = yaml.safe_load(TEXT)
PROBLEM = "digits-exp-10"
SAM = "{sam: 0.1}"


def suite(methods, *contrasts, **changes):
    given = {"methods": yaml.safe_load(methods), "contrasts": list(contrasts)}
    return Suite(**KEYS | given | changes)


def pairs(*args, **changes):
    [found] = contrast_rows(suite(*args, **changes)).values()
    return [tuple(pair) for pair in found]


@pytest.mark.parametrize(
    ("methods", "contrast", "expected"),
    [
        ("[erm, la, vs]", "vs - la", ("vs", "la")),
        ("[erm, la: {as: L}, vs: {as: V}]", "V - la", ("V", "L")),
        ("[erm, la, vs: {as: V - 2}]", "V - 2 - la", ("V - 2", "la")),
        ("[erm, la, erm: {posthoc: tau_norm}]", "erm+tau_norm - la", ("erm+tau_norm", "la")),
        ("[erm, la, tau_norm]", "la  -  tau_norm", ("la", "tau_norm")),
        ("[erm, cdt, la: {tau: {grid: [1, 2]}}]", "LA (tau=2) - cdt", ("la(tau=2)", "cdt")),
    ],
)
def test_a_side_is_a_method_a_row_or_an_entry(methods, contrast, expected):
    assert pairs(methods, contrast) == [expected]


def test_rows_of_two_methods_are_compared_under_each_recipe_that_both_have():
    methods = (
        f"[erm, la, la: {{as: LA2, recipe: {SAM}}}, vs, vs: {{as: VS2, recipe: {SAM}}}, "
        "vs: {as: VS3, recipe: {lr: 0.2}}]"
    )
    assert pairs(methods, "vs - la") == [("vs", "la"), ("VS2", "LA2")]


@pytest.mark.parametrize("plain", ["vs", "vs: {as: VS1}", "vs: {as: V, tau: 2}"])
def test_a_row_is_compared_with_the_other_row_of_its_method(plain):
    name = plain.partition("as: ")[2].rstrip("}").partition(",")[0] or plain
    methods = f"[erm, {plain}, vs: {{as: VS2, recipe: {SAM}}}]"
    assert pairs(methods, "VS2 - vs") == [("VS2", name)]
    assert pairs(methods, "vs - VS2") == [(name, "VS2")]


def test_settings_that_compete_are_one_side():
    methods = "[erm, la: {tau: {grid: [1, 2]}}, vs: {tau: {grid: [1, 2]}}]"
    assert pairs(methods, "vs - la", select={"on": "val"}) == [("vs", "la")]


@pytest.mark.parametrize("contrast", ["la - erm", "erm - la"])
def test_a_comparison_with_the_baseline_is_counted_once(contrast):
    assert pairs("[erm, la, vs]", contrast, "vs - la") == [("vs", "la")]


def test_a_part_of_a_suite_has_the_contrasts_of_the_whole():
    whole = suite("[erm, la, vs]", "vs - la")
    part = restrict(whole, ["method=erm,seed=0"])
    assert contrast_rows(part) == contrast_rows(whole) == {PROBLEM: (("vs", "la"),)}


def test_contrasts_and_tested_metrics_are_no_part_of_a_trial():
    declared = suite("[erm, la, vs]", "vs - la", tested=["accuracy"])
    assert declared.trials.keys() == suite("[erm, la, vs]").trials.keys()


@pytest.mark.parametrize(
    ("contrast", "says"),
    [
        ("vss - la", "'vss' is not among .*\n  they are: erm, vs, la\n  did you mean 'vs'"),
        ("vs - lo", "'lo' is not among .*\n  they are: erm, vs, la"),
        ("vs", "does not name two rows\n  write .*`contrasts: "),
        ("vs-la", "does not name two rows"),
        ("[vs, la]", "write two rows with ` - ` between them"),
        ("VS: two - la", "write two rows with .* in quotes if a name contains `: `"),
        ("vs - vs", "compares a row with itself"),
        ("vs - VS", "compares a row with itself"),
    ],
)
def test_a_contrast_that_is_not_of_two_rows_is_refused_with_its_line(contrast, says):
    text = TEXT.replace("  - erm\n", "  - erm\n  - vs\n") + f"contrasts:\n  - {contrast}\n"
    with pytest.raises(SpecError, match=says) as raised:
        resolved(text)
    assert raised.value.places == (f"small.yaml:{text.count(chr(10))}",)


@pytest.mark.parametrize(
    ("methods", "contrasts", "says"),
    [
        (
            "[erm, la, vs: {tau: {grid: [1, 2]}}]",
            ["vs - la"],
            r"'vs' stands for 2 rows under one recipe\n  name one of them: vs\(tau=1\), vs",
        ),
        ("[erm, la, vs]", ["vs - la", "LA - vs"], "'LA - vs' compares the same rows as 'vs - la'"),
        (
            "[erm, la: {as: a}, vs: {as: b}, cdt: {as: a - b}, ldam: {as: b - a}]",
            ["a - b - a"],
            "names 'a' and 'b - a' or 'a - b' and 'a'\n  give one of the rows another name",
        ),
        (
            f"[erm, la: {{as: K}}, la: {{as: L, recipe: {SAM}}}, vs: {{recipe: {{lr: 0.2}}}}]",
            ["vs - la"],
            "no recipe in common on any problem\n  name one row on each side, of vs, K, L",
        ),
        ("[erm, la, vs]", ["vs - la", "vs - la"], "vs - la is listed twice"),
    ],
)
def test_an_ambiguous_or_repeated_contrast_is_refused(methods, contrasts, says):
    with pytest.raises(SpecError, match=says):
        suite(methods, *contrasts)


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("balanced_accuracy", "is the primary metric, whose comparisons are always tested"),
        ("acuracy", "is not among the suite's metrics\n .*\n  did you mean 'accuracy'"),
        ("min_recall", "is not among the suite's metrics"),
    ],
)
def test_only_further_metrics_of_the_suite_can_be_tested(metric, says):
    with pytest.raises(SpecError, match=says) as raised:
        resolved(f"{TEXT}tested: [{metric}]\n")
    assert raised.value.places == ("small.yaml:15",)


def test_a_metric_that_is_primary_on_some_problems_can_be_tested_on_the_others():
    text = TEXT.replace("exp, ratio", "{grid: [exp, step]}, ratio").replace(
        "primary: balanced_accuracy", "primary: {'*exp*': balanced_accuracy, '*step*': accuracy}"
    )
    assert resolved(f"{text}tested: [accuracy]\n").declaration.tested == ("accuracy",)


@pytest.mark.parametrize("name", [n for n in shipped() if open_suite(n).declaration.contrasts])
def test_a_shipped_contrast_names_one_pair_on_every_problem(name):
    opened = open_suite(name)
    n = len(opened.declaration.contrasts)
    assert {problem: len(found) for problem, found in contrast_rows(opened).items()} == (
        dict.fromkeys(opened.problems, n)
    )
