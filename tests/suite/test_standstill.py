"""Warnings before training, against updates that are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from evenhand.suite.standstill import expected_stages, find_standstills, idle_warmups
from evenhand.suite.timetable_facts import timetable
from tests.suite.suite_text import resolved, with_

RECIPE = "recipe: {digits: {epochs: 8, schedule: constant, batch: 32}}\n"


def suite_of(entry):
    return resolved(with_("recipe: digits\n", RECIPE).replace("- la: {tau: 1.0}", f"- {entry}"))


def steps_of(suite):
    """Batches of an epoch: of 32, by the profile written out."""
    trial = suite.configurations[-1].trials[0]
    [stage, *_] = expected_stages(trial)
    return stage.steps // stage.epochs


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("csl: {every: 500}", "stage 1 makes its only update on held-out data before its first"),
        ("csl: {every: 20}", ""),
        ("autobalance: {every: 500}", "stage 2 makes no update on held-out data in"),
        ("autobalance: {every: 20}", ""),
        ("jtt", ""),
        ("dro", ""),
        (
            "la: {teacher: {autobalance: {every: 500, retrain_on: train}}}",
            "stage 2 makes no update",
        ),
        (
            "autobalance: {every: 500, retrain_on: train, posthoc: la_posthoc}",
            "stage 2 makes no update",
        ),
    ],
)
def test_a_row_that_makes_no_update_is_found(entry, reason):
    found = find_standstills(suite_of(entry))
    assert len(found) == bool(reason)
    assert all(reason in str(each) and "`every`" in str(each) for each in found)
    assert all(each.problem == "digits-exp-10" for each in found)


def test_the_last_interval_that_reaches_the_search_is_accepted():
    """The search has the steps from 0.4 · 8 = 3 epochs on, of which a multiple must be one."""
    per_epoch = steps_of(suite_of("autobalance"))
    due = [step for step in range(8 * per_epoch) if step >= 3 * per_epoch]
    for every in (due[0], due[-1], due[-1] + 1):
        expected = not any(step % every == 0 for step in due)
        assert bool(find_standstills(suite_of(f"autobalance: {{every: {every}}}"))) == expected


def test_nothing_is_said_where_the_counts_are_not_known():
    table = "  - table: {path: birds.csv, label: species}\n"
    text = with_("  - digits: {profile: exp, ratio: 10}\n", table)
    suite = resolved(text.replace("- la: {tau: 1.0}", "- csl: {every: 500}"))
    assert not find_standstills(suite)
    [name] = suite.problems
    assert find_standstills(suite, {name: np.array([[900], [200]])}) == ()
    short = text.replace("recipe: digits\n", RECIPE).replace("- la: {tau: 1.0}", "- csl")
    [found] = find_standstills(resolved(short), {name: np.array([[30], [20]])})
    assert found.reason.endswith("before its first of 16 steps")


@pytest.mark.parametrize(("epochs", "idle"), [(8, True), (29, True), (30, False), (100, False)])
def test_a_warm_up_of_less_than_two_epochs_is_found(epochs, idle):
    suite = resolved(with_("recipe: digits\n", f"recipe: {{digits: {{epochs: {epochs}}}}}\n"))
    found = idle_warmups(suite)
    assert len(found) == idle
    assert all(text.endswith("write `warmup: 0`, or at least 30 epochs") for text in found)


def test_the_timetable_has_the_first_epoch_of_each_stage_and_drop():
    text = with_("recipe: digits\n", "recipe: {digits: {epochs: 40, warmup: 0.1}}\n")
    suite = resolved(text.replace("- la: {tau: 1.0}", "- jtt\n  - erm_drw"))
    facts = {c.row: [fact.text for fact in timetable(c.trials[0])] for c in suite.configurations}
    assert facts["erm_drw"] == [
        "1 from epoch 1, 2 from epoch 33",
        "rising to lr at epoch 4, × 0.01 from epoch 33, × 0.0001 from epoch 37",
    ]
    stages, rates = facts["jtt"]
    assert stages == "1 from epoch 1, 2 from scratch from epoch 9"
    assert rates == (
        "lr from epoch 1, without the warm-up, which is shorter than two epochs, "
        "× 0.01 from epoch 7, × 0.0001 from epoch 8; "
        "rising to lr at epoch 12, × 0.01 from epoch 41, × 0.0001 from epoch 45"
    )


@pytest.mark.parametrize(
    ("entry", "stages"),
    [
        ("crt: {retrain: 0.5}", "1 from epoch 1, 2 of the last layer from epoch 41"),
        ("lws: {retrain: 0.5}", "1 from epoch 1, 2 of the scale of the logits from epoch 41"),
    ],
)
def test_the_timetable_names_what_a_later_run_trains_and_its_own_schedule(entry, stages):
    text = with_("recipe: digits\n", "recipe: {digits: {epochs: 40}}\n")
    suite = resolved(text.replace("- la: {tau: 1.0}", f"- {entry}"))
    [trial] = [t for t in suite.trials.values() if entry.startswith(t.method.name) and not t.seed]
    found = [fact.text for fact in timetable(trial)]
    assert found[0] == stages
    assert found[1].endswith("; lr from epoch 41, schedule cosine")
