from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evenhand.execution.plan import make_plan
from evenhand.store import Store
from evenhand.suite.resolve import open_suite
from tests.records import make_record


def finished(trial, seconds, status="done", device="cpu"):
    record = make_record(status=status, provenance={"device": device})
    cost = record.cost.model_copy(update={"seconds": seconds})
    return record.model_copy(update={"key": trial.key, "trial": trial, "cost": cost})


def test_a_plan_counts_every_trial_once(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", "vs")
    trials = list(suite.trials.values())
    statuses = ["done", "failed", "diverged", "interrupted"]
    for trial, status in zip(trials[:4], statuses, strict=True):
        store.write(finished(trial, 1.0, status))

    plan = make_plan(suite, store)
    assert (len(plan.done), len(plan.failed), len(plan.missing)) == (1, 2, 3)
    retry = make_plan(suite, store, retry_failed=True)
    assert (len(retry.done), len(retry.failed), len(retry.missing)) == (1, 0, 5)


def test_an_estimate_uses_the_method_then_the_problem_then_nothing(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", "la", "vs")
    by_method = {t.method.name: t for t in suite.trials.values() if t.seed == 0}
    assert make_plan(suite, store).total(by_method.values()) is None

    store.write(finished(by_method["erm"], 2.0))
    store.write(finished(by_method["la"], 6.0))
    plan = make_plan(suite, store)

    assert plan.estimate(by_method["erm"]) == 2.0
    assert plan.estimate(by_method["vs"]) == 4.0
    assert plan.total(plan.missing) == 2.0 + 6.0 + 4.0 + 4.0
    assert [t.method.name for [*trials] in plan.generations for t in trials] == [
        "la",
        "vs",
        "vs",
        "erm",
    ]


def test_an_estimate_takes_no_other_recipe_for_its_own(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm")
    trial = next(iter(suite.trials.values()))
    longer = trial.recipe.model_copy(update={"epochs": 300})
    store.write(finished(trial.model_copy(update={"recipe": longer}), 300.0))

    assert make_plan(suite, store).estimate(trial) is None


def test_seconds_on_a_cpu_are_no_gpu_hours(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm")
    store.write(finished(next(iter(suite.trials.values())), 10.0))

    plan = make_plan(suite, store)
    assert plan.total(plan.missing) == 10
    assert plan.gpu_hours(0.25) is None


def test_the_json_of_a_plan_prices_what_is_missing(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm")
    store.write(finished(next(iter(suite.trials.values())), 3600.0, device="cuda"))

    shown = make_plan(suite, store).as_json(gpus_per_trial=0.5, slots=2)

    assert {k: shown[k] for k in ("suite", "trials", "done", "missing", "failed")} == {
        "suite": "small",
        "trials": 2,
        "done": 1,
        "missing": 1,
        "failed": 0,
    }
    assert shown["estimated_gpu_hours"] == pytest.approx(0.5)
    assert shown["estimated_seconds"] == pytest.approx(3600), "one trial has one slot"
    json.dumps(shown)


def test_planning_needs_no_data_on_disk(monkeypatch, tmp_path):
    def absent(*_):
        raise AssertionError("data was read")

    monkeypatch.setattr("evenhand.data.splits.load_source", absent)
    plan = make_plan(open_suite("quickstart"), Store.open(tmp_path / "none"))
    assert len(plan.missing) == 30


@pytest.mark.parametrize(
    ("seconds", "device", "deterministic", "pays"),
    [
        (20_000.0, "cpu", False, True),
        (200.0, "cpu", False, False),
        (20_000.0, "cuda", False, False),
        (20_000.0, "cpu", True, False),
    ],
)
def test_networks_are_compiled_where_the_trials_are_long_enough(
    suite_of, tmp_path, monkeypatch, seconds, device, deterministic, pays
):
    monkeypatch.setattr("evenhand.execution.compiling.compiler", lambda: "/usr/bin/g++")
    suite = suite_of("erm", seeds=3)
    fields = {
        "recipe": suite.configurations[0].recipe.model_copy(update={"deterministic": deterministic})
    }
    trials = [t.model_copy(update=fields) for t in suite.trials.values()]
    configuration = replace(suite.configurations[0], trials=tuple(trials))
    suite, store = suite.replaced(configurations=(configuration,)), Store.open(tmp_path / "r")
    store.write(finished(trials[0], seconds, device=device))

    assert make_plan(suite, store).compiled == ({trials[0].workload} if pays else set())
    monkeypatch.setattr("evenhand.execution.compiling.compiler", lambda: None)
    assert make_plan(suite, store).compiled == set()


def test_of_unknown_length_nothing_is_compiled(suite_of, tmp_path):
    assert make_plan(suite_of("erm"), Store.open(tmp_path / "r")).compiled == set()
