"""Warnings of `plan` and `validate`, and `show` of a trial before it runs."""

from __future__ import annotations

import json

import pytest

from evenhand.errors import StoreError
from tests.cli.test_commands import evenhand, here

__all__ = ["here"]

TEXT = """\
suite: standing
version: 1
question: What stands still?
problems:
  - digits: {profile: exp, ratio: 10}
val: {per_class: 20}
recipe: {digits: {epochs: 8}}
seeds: 1
methods:
  - erm_drw
  - autobalance: {every: 500}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm_drw
"""
IDLE = "autobalance on digits-exp-10: stage 2 makes no update on held-out data in 70 steps"
WARMUP = "the warm-up of 0.05 × 8 epochs"


@pytest.fixture
def suite(here):
    path = here / "standing.yaml"
    path.write_text(TEXT)
    return str(path)


@pytest.mark.parametrize("command", ["plan", "validate"])
def test_what_cannot_move_is_told_before_it_runs(suite, command):
    shown = evenhand(command, suite)
    assert f"warning: {IDLE}" in shown and WARMUP in shown


def test_the_warnings_are_in_the_json_of_the_plan(suite):
    warnings = json.loads(evenhand("plan", suite, "--json"))["warnings"]
    assert [IDLE in text or WARMUP in text for text in warnings] == [True, True]


def test_a_trial_without_a_record_is_shown_by_its_suite(suite):
    keys = [line.split()[0] for line in evenhand("status", suite, "--keys").splitlines()]
    shown = " ".join(evenhand("show", keys[0][:8], "--suite", suite).split())
    assert "status no record" in shown
    assert "stages 1 from epoch 1, 2 from epoch 7" in shown
    assert "× 0.01 from epoch 7, × 0.0001 from epoch 8" in shown
    assert "stage 2 2 epochs, 28 steps" in shown

    found = json.loads(evenhand("show", keys[1], "--suite", suite, "--json"))
    assert found["key"] == keys[1]
    assert [stage["updates"] for stage in found["expected_stages"]] == [None, 0, None]

    with pytest.raises(StoreError, match="no record has a key that begins with 'zz'") as told:
        evenhand("show", "zz", "--suite", suite)
    assert f"`evenhand status {suite} --keys" in str(told.value)
    with pytest.raises(StoreError, match="`evenhand status --keys"):
        evenhand("show", "zz")


def test_a_trial_of_a_changed_suite_is_shown_by_the_same_changes(suite):
    change = ("--set", "recipe.epochs=9")
    key = evenhand("status", suite, "--keys", *change).split()[0]
    found = json.loads(evenhand("show", key, "--suite", suite, *change, "--json"))
    assert (found["key"], found["trial"]["recipe"]["epochs"]) == (key, 9)
    with pytest.raises(StoreError, match="no record has a key"):
        evenhand("show", key, "--suite", suite)
    with pytest.raises(StoreError, match="name it: --suite SUITE"):
        evenhand("show", key, *change)


def test_metrics_that_choose_no_epochs_are_named_in_one_line(suite):
    changes = [
        "problems.ratio={grid: [10, 20, 50]}",
        "metrics=[nll, mcc, balanced_error]",
        "primary={digits-exp-10: nll, digits-exp-20: mcc, digits-exp-50: balanced_error}",
    ]
    shown = evenhand("validate", suite, *(word for each in changes for word in ("--set", each)))
    [line] = [line for line in shown.splitlines() if line.startswith("best-val")]
    assert "choose epochs by balanced_accuracy, and the suite ranks by mcc or nll;" in line
    assert line.endswith(
        "; `best_by` in the recipe chooses another metric of counts, and the trials then "
        "have other keys"
    )
