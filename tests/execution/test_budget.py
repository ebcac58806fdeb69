from __future__ import annotations

import time
from dataclasses import replace

import pytest

import evenhand as eh
from evenhand.errors import RunError
from evenhand.execution.budget import Budget, run_within
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import run_pack
from evenhand.execution.plan import make_plan
from evenhand.execution.retries import RunTracker
from evenhand.execution.schedule import Prices
from evenhand.execution.start import RunOptions
from evenhand.store import Store


def priced(suite, store, seconds):
    """A plan whose trials have prices by method."""
    plan = make_plan(suite, store)
    prices = {t.key: seconds[t.method.name] for t in plan.missing if t.method.name in seconds}
    return replace(plan, prices=Prices(prices))


def test_a_trial_that_is_late_is_left_and_leaves_no_record(suite_of, tmp_path):
    store, events = Store.open(tmp_path / "r"), []
    late, early = suite_of("erm").trials.values()
    execution = Execution(latest={late.key: time.time() - 1, early.key: time.time() + 60})

    run_pack((late, early), execution, store, events.append)

    assert set(store.heads()) == {early.key}
    assert [e.key for e in events if e.kind == "left"] == [late.key]
    assert late.key not in {e.key for e in events if e.kind == "started"}


def test_a_late_trial_is_neither_lost_nor_started_again(suite_of, tmp_path):
    store, tracker = Store.open(tmp_path / "r"), RunTracker(lambda _: None)
    plan = priced(suite_of("erm"), store, {"erm": 5.0})
    calls = []

    def runner(trials, execution, store, sink):
        calls.append(len(trials))
        late = {trial.key: 0.0 for trial in trials}
        run_inline(trials, replace(execution, latest=late), store, sink)

    budget = Budget(deadline=time.time() + 60, slots=1)
    after = run_within(plan, Execution(), store, tracker, runner, budget=budget)

    assert calls == [2]
    assert len(after.missing) == 2
    assert not after.failed
    assert len(tracker.left) == 2


def test_the_rest_of_a_budget_goes_to_trials_that_turn_out_to_fit(suite_of, tmp_path):
    # Prices of 25 s let one of three seeds fit into 30 s; the records show that all do.
    store, notes = Store.open(tmp_path / "r"), []
    plan = priced(suite_of("erm", seeds=3), store, {"erm": 25.0})
    tracker = RunTracker(lambda e: notes.append(e.cause) if e.kind == "note" else None)

    budget = Budget(deadline=time.time() + 30, slots=1)
    after = run_within(plan, Execution(), store, tracker, run_inline, budget=budget)

    assert len(after.done) == 3
    assert notes == ["1 of 3 trials are expected to end within the budget"]


def test_nothing_starts_where_nothing_fits(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    plan = priced(suite_of("erm", "la"), store, {"erm": 100.0})
    budget = Budget(deadline=time.time() + 60, slots=2, starting=12.0)
    events = []

    def never(*_):
        raise AssertionError("a trial was started")

    after = run_within(plan, Execution(), store, RunTracker(events.append), never, budget=budget)
    assert len(after.missing) == 4
    [note] = [event.cause for event in events if event.kind == "note"]
    assert "within the 60 s that are left of the budget" in note
    assert ": the start of workers takes about 12 s and the shortest trial takes about" in note


def test_a_trial_costs_a_budget_at_most_its_time_limit(suite_of, tmp_path):
    plan = priced(suite_of("erm"), Store.open(tmp_path / "r"), {"erm": 1000.0})
    limited = Budget(deadline=time.time() + 60, slots=1, time_limit=20.0)
    assert len(limited.fitting(plan)) == 2
    assert Budget(deadline=time.time() + 60, slots=1).fitting(plan) == ()


def test_the_start_of_ray_is_part_of_a_budget(suite_of, tmp_path):
    plan = priced(suite_of("erm"), Store.open(tmp_path / "r"), {"erm": 10.0})
    assert len(Budget(deadline=time.time() + 30, slots=1).fitting(plan)) == 2
    assert len(Budget(deadline=time.time() + 30, slots=1, starting=15).fitting(plan)) == 1


def test_failed_trials_that_are_to_run_again_stay_in_the_budget(suite_of, tmp_path):
    from tests.execution.test_plan import finished

    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=2)
    for trial in suite.trials.values():
        store.write(finished(trial, 1.0, "failed"))
    plan = make_plan(suite, store, retry_failed=True)
    plan = replace(plan, prices=Prices({t.key: 20.0 for t in plan.missing}))

    budget = Budget(deadline=time.time() + 30, slots=1)
    after = run_within(plan, Execution(), store, RunTracker(print), run_inline, budget=budget)

    assert len(after.done) == 2


def test_records_under_a_budget_are_those_of_a_run_without_one(suite_of, tmp_path):
    suite = suite_of("erm", "la", seeds=1)
    eh.run(suite, tmp_path / "a", inline=True)
    after = eh.run(suite, tmp_path / "b", inline=True, budget=3600)
    assert len(after.done) == 2

    def scores(name):
        records = Store.open(tmp_path / name).records()
        return {r.key: (r.evaluations, r.curves) for r in records}

    assert scores("a") == scores("b")


@pytest.mark.parametrize("budget", [0, -5.0, True, "10m"])
def test_a_budget_is_a_number_of_seconds_above_0(budget):
    with pytest.raises(RunError, match=r"budget is .*; write a number above 0"):
        RunOptions(budget=budget)
