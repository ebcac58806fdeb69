from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import pytest

import evenhand as eh
from evenhand.errors import RunError
from evenhand.execution.budget import Limits, run_within
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import run_pack
from evenhand.execution.plan import make_plan
from evenhand.execution.resources import Resources
from evenhand.execution.retries import RunTracker
from evenhand.execution.rounds import Rounds
from evenhand.execution.schedule import Prices
from evenhand.execution.start import RunOptions
from evenhand.execution.usage import Granted, Ledger
from evenhand.store import Store
from evenhand.store.leases import Lease
from evenhand.store.process import Process
from tests.execution.test_plan import finished


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

    limits = Limits(until=time.time() + 60, slots=1)
    after = run_within(plan, Execution(), store, tracker, runner, limits=limits)

    assert calls == [2]
    assert len(after.missing) == 2
    assert not after.failed
    assert len(tracker.left) == 2


def test_the_rest_of_a_budget_goes_to_trials_that_turn_out_to_fit(suite_of, tmp_path):
    # Prices of 25 s let one of three seeds fit into 30 s; the records show that all do.
    store, notes = Store.open(tmp_path / "r"), []
    plan = priced(suite_of("erm", seeds=3), store, {"erm": 25.0})
    tracker = RunTracker(lambda e: notes.append(e.cause) if e.kind == "note" else None)

    limits = Limits(until=time.time() + 30, slots=1)
    after = run_within(plan, Execution(), store, tracker, run_inline, limits=limits)

    assert len(after.done) == 3
    assert notes == [f"1 of 3 trials are expected to fit: {limits.reasons(plan)}"]


def test_nothing_starts_where_nothing_fits(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    plan = priced(suite_of("erm", "la"), store, {"erm": 100.0})
    limits = Limits(until=time.time() + 60, slots=2)
    events = []

    def never(*_):
        raise AssertionError("a trial was started")

    after = run_within(plan, Execution(), store, RunTracker(events.append), never, limits=limits)
    assert len(after.missing) == 4
    [note] = [event.cause for event in events if event.kind == "note"]
    assert note.startswith("no trial is expected to fit: trials are to end by ")
    assert note.endswith("; the shortest trial takes about 100.0 s")


def test_a_trial_costs_a_budget_at_most_its_time_limit(suite_of, tmp_path):
    store = Store.open(tmp_path / "r")
    plan = priced(suite_of("erm"), store, {"erm": 1000.0})
    limited = Limits(until=time.time() + 60, slots=1, time_limit=20.0)
    assert len(limited.fitting(plan, store)) == 2
    assert Limits(until=time.time() + 60, slots=1).fitting(plan, store) == ()


def test_failed_trials_that_are_to_run_again_stay_in_the_budget(suite_of, tmp_path):
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=2)
    for trial in suite.trials.values():
        store.write(finished(trial, 1.0, "failed"))
    plan = make_plan(suite, store, retry_failed=True)
    plan = replace(plan, prices=Prices({t.key: 20.0 for t in plan.missing}))

    limits = Limits(until=time.time() + 30, slots=1)
    after = run_within(plan, Execution(), store, RunTracker(print), run_inline, limits=limits)

    assert len(after.done) == 2


def test_records_of_a_limited_run_are_those_of_a_run_without_limits(suite_of, tmp_path):
    suite = suite_of("erm", "la", seeds=1)
    eh.run(suite, tmp_path / "a", inline=True)
    after = eh.run(suite, tmp_path / "b", inline=True, budget="1h", until="1h", max_concurrent=1)
    assert len(after.done) == 2

    def scores(name):
        records = Store.open(tmp_path / name).records()
        return {r.key: (r.evaluations, r.curves) for r in records}

    assert scores("a") == scores("b")


def test_a_budget_goes_on_where_an_earlier_run_has_left_it(suite_of, tmp_path):
    # Each of four trials used or uses 20 core-seconds, and 50 hold two of them.
    store, suite = Store.open(tmp_path / "r"), suite_of("erm", seeds=4)
    for trial in list(suite.trials.values())[:1]:
        store.write(used(finished(trial, 20.0), core=20.0))
    plan = make_plan(suite, store)
    limits = Limits(budget=50.0)

    [chosen] = limits.fitting(plan, store)
    store.write(used(finished(chosen, 20.0), core=20.0))

    assert limits.fitting(make_plan(suite, store), store) == ()
    # Without an end in time, a whole seed fits where the budget holds it.
    assert len(Limits(budget=80.0).fitting(make_plan(suite, store), store)) == 2


def test_a_trial_is_not_started_once_the_others_have_used_the_budget_up(suite_of, tmp_path):
    # 1 s is expected of each trial, and the first one uses 100 s of the budget of 10 s.
    store, events = Store.open(tmp_path / "r"), []
    first, second = suite_of("erm").trials.values()
    ledger = Ledger(10.0, keys={first.key, second.key}, expected=dict.fromkeys([first.key], 1.0))
    execution = Execution(ledger=replace(ledger, expected={first.key: 1.0, second.key: 1.0}))

    run_pack((first,), execution, store, events.append)
    [record] = store.records()
    store.replace(used(record, core=100.0))
    run_pack((second,), execution, store, events.append)

    assert [e.key for e in events if e.kind == "left"] == [second.key]
    assert set(store.heads()) == {first.key}
    assert store.leases.all() == {}


def test_trials_that_another_run_trains_are_not_waited_for_after_the_end(suite_of, tmp_path):
    store, events = Store.open(tmp_path / "r"), []
    [trial] = suite_of("erm", seeds=1).trials.values()
    other = Process(host="node7", boot="another", pid=12, start="1")
    assert store.leases.take(Lease(key=trial.key, run="other", process=other))
    rounds = Rounds(
        Execution(latest={trial.key: time.time() - 1}), store, RunTracker(events.append), run_inline
    )

    rounds.run([trial])

    assert [event.key for event in events if event.kind == "left"] == [trial.key]
    assert store.heads() == {}


@pytest.mark.parametrize("name", ["budget", "until", "max_concurrent"])
@pytest.mark.parametrize("value", [0, -5.0, True, "10m"])
def test_a_limit_is_a_number_above_0(name, value):
    with pytest.raises(RunError, match=rf"{name} is .*; write a (whole )?number"):
        RunOptions(**{name: value})


def test_limits_in_python_are_texts_so_that_no_seconds_are_taken_for_hours(suite_of, tmp_path):
    for limit in ({"budget": 3600.0}, {"until": 3600.0}):
        with pytest.raises(RunError, match=r"is no (time|moment)"):
            eh.run(suite_of("erm"), tmp_path / "r", inline=True, **limit)


def used(record, core):
    """The record with its time on CPU cores."""
    cost = record.cost.model_copy(update={"gpu_seconds": 0.0, "core_seconds": core})
    return record.model_copy(update={"cost": cost})


def test_a_limited_run_connects_once_and_takes_the_slots_from_this_connection(
    suite_of, tmp_path, monkeypatch
):
    class Runner:
        taken, slots = Resources(2.0, 0.5), 8

        def __call__(self, *given):
            run_inline(*given)

    found, connected = [], []

    @contextlib.contextmanager
    def on_ray(*_, address, max_concurrent, **__):
        connected.append((address, max_concurrent))
        yield Runner()

    def never(*_, **__):
        raise AssertionError("a second connection")

    def within(plan, execution, *_, limits):
        found.append((limits.slots, limits.granted, execution.granted, plan.slots))
        return plan

    monkeypatch.setattr("evenhand.execution.ray_tune.on_ray", on_ray)
    monkeypatch.setattr("evenhand.execution.ray_cluster.connect", never)
    monkeypatch.setattr("evenhand.execution.start._check_travels", lambda _: None)
    monkeypatch.setattr("evenhand.execution.budget.run_within", within)
    options = {"address": "nowhere:1", "pack": 2, "max_concurrent": 6}
    eh.run(suite_of("erm"), tmp_path / "r", budget="1h", **options)

    assert connected == [("nowhere:1", 6)]
    assert found == [(6, Granted(0.25, 1.0), Granted(0.5, 2.0), 6)]
