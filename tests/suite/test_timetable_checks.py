"""Suites whose drops and stages would fall on one epoch, and the corrections that are proposed."""

from __future__ import annotations

import re

import pytest

from evenhand.errors import SpecError
from tests.suite.suite_text import resolved, with_


def mistakes(text):
    with pytest.raises(SpecError) as told:
        resolved(text)
    return str(told.value)


def short(epochs, more="", methods="- erm"):
    text = with_("recipe: digits\n", f"recipe: {{digits: {{epochs: {epochs}{more}}}}}\n")
    return text.replace("- erm", methods, 1)


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 5, 6, 7])
def test_the_lines_that_are_proposed_can_be_pasted(epochs):
    told = mistakes(short(epochs))
    assert told.startswith(f"small.yaml:6: digits: of {epochs} epoch")
    lines = re.findall(r"`(recipe: .*?)`", told)
    assert lines[0] == "recipe: {digits: {epochs: 8}}"
    for line in lines:
        assert resolved(with_("recipe: digits", line)).trials


def test_the_number_of_epochs_suits_every_method_of_the_suite():
    told = mistakes(short(5, methods="- erm\n  - jtt"))
    assert "`recipe: {digits: {epochs: 38}}`" in told
    assert resolved(short(38, methods="- erm\n  - jtt")).trials


@pytest.mark.parametrize("epochs", [2, 5, 7])
def test_every_line_proposes_one_number_which_mends_all(epochs):
    methods = "- erm\n  - jtt\n  - erm_drw\n  - autobalance"
    told = mistakes(short(epochs, methods=methods))
    assert len(told.split("small.yaml:")) > 2
    [number] = set(re.findall(r"epochs: (\d+)", told.replace(f"epochs: {epochs},", "")))
    assert resolved(short(number, methods=methods)).trials


def test_no_schedule_is_proposed_under_which_another_method_has_no_epoch():
    assert "schedule: constant" in mistakes(short(2))
    assert "schedule: constant" not in mistakes(short(2, methods="- erm\n  - jtt"))


def test_other_fields_of_the_recipe_are_kept():
    assert "write `epochs: 8`" in mistakes(short(5, ", lr: 0.2"))


def test_a_recipe_is_reported_once_and_where_it_is_declared():
    told = mistakes(short(5, methods="- erm\n  - erm_drw\n  - cb"))
    assert told.count("would both begin") == 1
    told = mistakes(with_("- erm", "- erm: {recipe: {epochs: 5}}"))
    assert told.startswith("small.yaml:9: ")
    own = "{profile: exp, ratio: 10, recipe: {digits: {epochs: 5}}}"
    assert mistakes(with_("{profile: exp, ratio: 10}", own)).startswith("small.yaml:4: ")


def test_a_run_of_a_method_is_reported_at_the_method():
    told = mistakes(short(30, methods="- erm\n  - jtt"))
    assert told.startswith("small.yaml:10: jtt(first=0.2, copies=100): of a run of 6 epochs, ")
    assert "write `epochs: 38` in the recipe" in told


def test_a_teacher_is_checked_under_its_own_recipe():
    told = mistakes(with_("- la: {tau: 1.0}", "- la: {teacher: {erm: {recipe: {epochs: 5}}}}"))
    assert "digits: of 5 epochs" in told


def test_deferred_reweighting_at_the_first_drop_is_accepted():
    assert resolved(short(8, methods="- erm\n  - erm_drw\n  - ldam_drw")).trials


def test_a_schedule_without_drops_needs_no_epoch_of_its_own():
    assert resolved(short(5, ", schedule: cosine")).trials


def test_a_grid_is_not_replaced_by_the_line_that_is_proposed():
    told = mistakes(with_("recipe: digits\n", "recipe: {digits: {epochs: {grid: [5, 30]}}}\n"))
    assert "write `epochs: 8`, the next number" in told


def test_drops_within_the_warm_up_are_not_mended_by_more_epochs():
    drops = ", warmup: 0.5, schedule: {step: {drops: [[0.3, 0.1]]}}"
    assert "no larger number of epochs leaves one" in mistakes(short(20, drops))


@pytest.mark.parametrize("share", [1.0, 1.5, -0.1])
def test_a_drop_that_never_acts_is_refused_at_any_number_of_epochs(share):
    drops = f", schedule: {{step: {{drops: [[0.5, 0.1], [{share}, 0.01]]}}}}"
    assert "from 0 and below 1" in mistakes(short(20, drops))
