"""GPU time and core time of trials, over all attempts, and the budget that they share."""

from __future__ import annotations

import time

import pytest

from evenhand.declared.base import Part
from evenhand.declared.record import Cost, Exit
from evenhand.execution import claims, packs
from evenhand.execution.claims import Claim, Claimant, claim
from evenhand.execution.execute import Execution, empty_record, run_trial
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import run_pack, write_ends
from evenhand.execution.raised import GpuShareExceeded
from evenhand.execution.rounds import Rounds
from evenhand.execution.tracker import RunTracker
from evenhand.execution.usage import Granted, Ledger, Used, charged
from evenhand.store import Store
from evenhand.store.leases import Lease
from evenhand.store.process import Process
from tests.execution.test_plan import finished
from tests.train.trials import make

ELSEWHERE = Process(host="node7", boot="another", pid=12, start="1")


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "results")


def charge(record, seconds, granted, store):
    cost = charged(record, granted.over(seconds), granted, store).cost
    return cost.gpu_seconds, cost.core_seconds


def test_a_trial_uses_its_share_of_a_process_for_as_long_as_it_runs(store):
    end = Exit(status="failed", cause="a full disk")
    record = empty_record(make(), Execution(), end)
    assert charge(record, 100.0, Granted(1.0, 8.0).among(4), store) == (25.0, 200.0)
    assert charge(record, 100.0, Granted(0.0, 2.0), store) == (0.0, 200.0)


def test_every_attempt_counts_whatever_its_end(store):
    trial, granted = make(), Granted(0.25, 1.0)
    for attempt, (status, seconds) in enumerate(
        [("interrupted", 40.0), ("failed", 60.0), ("failed", 100.0)], start=1
    ):
        record = empty_record(trial, Execution(), Exit(status=status, cause="a test"))
        record = record.model_copy(update={"attempts": attempt})
        store.write(charged(record, granted.over(seconds), granted, store))

    head = store.heads()[trial.key]
    assert (head.gpu_seconds, head.core_seconds) == (50.0, 200.0)


def test_the_time_of_an_earlier_attempt_in_a_record_of_an_earlier_version_counts(store):
    trial, granted = make(), Granted(0.5, 1.0)
    store.write(finished(trial, 40.0, "interrupted", device="cuda"))
    record = empty_record(trial, Execution(), Exit(status="failed", cause="a test"))
    record = record.model_copy(update={"attempts": 2})
    assert charge(record, 60.0, granted, store) == (50.0, 100.0)


def test_a_process_that_was_killed_counts_up_to_its_last_beat(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    trial, execution = make(), Execution(granted=Granted(0.0, 1.0))
    killed = Lease(key=trial.key, run="a", attempt=1, seconds=500.0, process=ELSEWHERE)
    assert store.leases.take(killed)

    claimant = Claimant(run="a")
    run_pack((trial,), Execution(granted=execution.granted, claimant=claimant), store, print)

    head = store.heads()[trial.key]
    assert head.seconds < 100.0
    assert 500.0 < head.core_seconds < 600.0


def test_a_process_whose_time_is_in_a_record_does_not_count_twice(store):
    # The run was planned before the record of the first attempt, which holds 500 s, was there.
    trial = make()
    assert store.leases.take(
        Lease(key=trial.key, run="a", attempt=1, seconds=500.0, process=ELSEWHERE)
    )
    end = Exit(status="interrupted", cause="a test")
    first = empty_record(trial, Execution(), end)
    store.write(charged(first, Granted().over(500.0), Granted(), store))

    run_pack((trial,), Execution(claimant=Claimant(run="a")), store, print)

    head = store.heads()[trial.key]
    assert head.attempts == 2
    assert 500.0 < head.core_seconds < 600.0


def test_a_lease_tells_for_how_long_it_was_held(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    found = claim("0a" * 16, Claimant(), store.leases)
    assert isinstance(found, Claim)
    with found.held():
        until = time.monotonic() + 60
        while store.leases.of(found.lease.key).seconds < 0.05 and time.monotonic() < until:
            time.sleep(0.01)
        assert 0.05 <= store.leases.of(found.lease.key).seconds < 60


def test_trials_that_run_count_with_what_is_expected_or_the_time_so_far(store):
    trials = [make(seed=seed) for seed in range(4)]
    expected = {trial.key: 100.0 for trial in trials}
    ledger = Ledger(3600.0, Granted(0.5, 1.0), expected.keys(), expected)
    assert ledger.left(store) == 3600.0

    store.write(finished(trials[0], 80.0, device="cuda"))
    store.leases.take(Lease(key=trials[1].key, run="b", process=ELSEWHERE, seconds=30.0))
    store.leases.take(Lease(key=trials[2].key, run="b", process=ELSEWHERE, seconds=300.0))
    # Its record is there: its process was killed before it could give the lease back.
    store.leases.take(Lease(key=trials[0].key, run="b", process=ELSEWHERE, attempt=1))

    assert ledger.left(store) == 3600.0 - 0.5 * (80.0 + 100.0 + 300.0)
    for budget, covers in ((290.0, True), (289.0, False)):
        small = Ledger(budget, ledger.granted, ledger.keys, expected)
        # Of a trial that is about to start, the 30 s of its lease have been used.
        assert small.covers(trials[3].key, store, ledger.granted) == covers
    small = Ledger(255.0, ledger.granted, ledger.keys, expected)
    assert small.covers(trials[1].key, store, small.granted)


def test_finished_trials_correct_what_is_expected_of_the_others(store):
    one, other = make(seed=0), make(seed=1)
    kinds = {t.key: (t.method.name, t.workload) for t in (one, other)}
    keys, expected = kinds.keys(), dict.fromkeys(kinds, 1.0)
    small, large = (Ledger(s, Granted(), keys, expected, kinds) for s in (100.0, 120.0))
    assert small.covers(other.key, store, Granted())

    store.write(finished(one, 60.0))
    assert not small.covers(other.key, store, Granted())
    assert large.covers(other.key, store, Granted())


def test_a_budget_counts_the_share_that_each_trial_has(store):
    running, starting = make(seed=0), make(seed=1)
    expected = {running.key: 100.0, starting.key: 100.0}
    whole = {"gpus": 1.0, "cpus": 1.0, "seconds": 10.0, "gpu_seconds": 10.0, "core_seconds": 10.0}
    assert store.leases.take(Lease(key=running.key, run="b", process=ELSEWHERE, **whole))

    def ledger(seconds):
        return Ledger(seconds, Granted(0.25, 1.0), expected.keys(), expected)

    assert ledger(1000.0).left(store) == 900.0
    for share, needed in ((1.0, 100.0), (0.125, 12.5), (0.0, 0.0)):
        assert ledger(100.0 + needed).covers(starting.key, store, Granted(share, 1.0))
        assert not ledger(99.0 + needed).covers(starting.key, store, Granted(share, 1.0))


def test_a_trial_on_a_whole_gpu_does_not_start_in_a_budget_of_a_quarter(store):
    trial, events = make(), []
    ledger = Ledger(50.0, Granted(0.25, 1.0), {trial.key}, {trial.key: 100.0})

    run_pack((trial,), Execution(ledger=ledger, granted=Granted(1.0, 1.0)), store, events.append)

    assert [event.kind for event in events] == ["left"]
    assert store.heads() == {}


def test_a_lease_holds_the_share_and_the_time_of_all_processes_of_its_attempt(store):
    key, claimant, eighth = make().key, Claimant(run="a"), Granted(0.125, 1.0)
    first = claim(key, claimant, store.leases, granted=eighth, spent=Used(8.0, 1.0, 8.0))
    lease = first.lease
    assert (lease.gpus, lease.cpus) == (0.125, 1.0)
    assert (lease.seconds, lease.gpu_seconds, lease.core_seconds) == (8.0, 1.0, 8.0)

    # Its process was killed after 800 s: the next one has a whole GPU.
    used = {"seconds": 800.0, "gpu_seconds": 100.0, "core_seconds": 800.0}
    store.leases.beat(lease.model_copy(update=used))
    second = claim(key, claimant, store.leases, granted=Granted(1.0, 4.0), spent=Used(8.0, 1, 8))
    assert (second.lease.gpus, second.lease.cpus) == (1.0, 4.0)
    assert 100.0 <= second.used.gpu_seconds < 160.0
    assert 800.0 <= second.used.core_seconds < 1040.0
    second._beat()
    assert store.leases.of(key).gpu_seconds > 100.0


def test_the_time_of_a_lease_of_an_earlier_version_counts_with_the_share_of_this_run(store):
    old = Lease.model_validate_json('{"key": "0a", "run": "a", "seconds": 100.0}')
    assert Granted(0.5, 2.0).used_of(old) == Used(100.0, 50.0, 200.0)
    assert Granted(0.5, 2.0).of_lease(old) == Granted(0.5, 2.0)


@pytest.mark.parametrize("before", [800.0, 0.0], ids=["trained", "killed"])
def test_each_attempt_counts_with_its_own_share(store, before):
    trial = make()
    end = Exit(status="interrupted", cause="a test")
    # The record of a process that was killed has no seconds.
    first = empty_record(trial, Execution(), end)
    first = first.model_copy(update={"cost": Cost(seconds=before)})
    eighth = Granted(0.125, 1.0)
    store.write(charged(first, eighth.over(800.0), eighth, store))

    later = empty_record(trial, Execution(attempts={trial.key: 1}), Exit(status="done"))
    # The seconds of a trial that goes on from a saved state are those of both attempts.
    later = later.model_copy(update={"cost": Cost(seconds=900.0)})
    assert charge(later, 100.0, Granted(1.0, 1.0), store) == (200.0, 900.0)
    # No lease is left of a process that saved its state after 50 s.
    assert charge(later, 50.0, Granted(1.0, 1.0), store) == (200.0, 900.0)


def test_a_posthoc_method_uses_no_gpu(store):
    trial = make().model_copy(update={"posthoc": Part(name="la_posthoc", settings={"tau": 1.0})})
    ledger = Ledger(0.001, Granted(1.0, 2.0), {trial.key}, {trial.key: 100.0})
    execution = Execution(ledger=ledger, granted=Granted(1.0, 2.0))

    run_pack((trial,), execution, store, lambda _: None)

    # It was started, and failed for want of the logits that it reads.
    head = store.heads()[trial.key]
    assert (head.status, head.gpu_seconds) == ("failed", 0.0)
    assert head.core_seconds > 0.0


def test_what_a_trial_used_before_it_runs_on_a_whole_gpu_counts(store, monkeypatch):
    trial, calls = make(), []

    def small_share(trial, execution, store, sink):
        calls.append(execution)
        if len(calls) == 1:
            execution.claim._before = Used(80.0, 10.0, 80.0)
            raise GpuShareExceeded("a test")
        return run_trial(trial, execution, store, sink)

    monkeypatch.setattr(packs, "run_trial", small_share)
    execution = Execution(granted=Granted(0.0, 1.0))
    Rounds(execution, store, RunTracker(print), run_inline).run([trial])

    head = store.heads()[trial.key]
    assert len(calls) == 2
    assert head.gpu_seconds == 10.0
    assert 80.0 < head.core_seconds < 140.0


def driver_gives_up(trial, execution, store):
    Rounds(execution, store, RunTracker(print), lambda *_: None).run([trial])


def worker_gives_up(trial, execution, store):
    run_pack((trial,), execution, store, print)


def watchdog_gives_up(trial, execution, store):
    write_ends((trial,), Exit(status="failed", cause="hung"), execution, store, print)


@pytest.mark.parametrize("give_up", [driver_gives_up, worker_gives_up, watchdog_gives_up])
def test_a_trial_that_is_given_up_counts_with_the_share_of_its_process(store, give_up):
    trial = make()
    used = {"seconds": 100.0, "gpu_seconds": 100.0, "core_seconds": 400.0}
    process = Process.this() if give_up is watchdog_gives_up else ELSEWHERE
    lease = Lease(key=trial.key, run="a", attempt=1, starts=3, process=process, **used)
    assert store.leases.take(lease)
    execution = Execution(granted=Granted(0.25, 1.0), claimant=Claimant(run="a"))

    give_up(trial, execution, store)

    head = store.heads()[trial.key]
    assert (head.status, head.gpu_seconds, head.core_seconds) == ("failed", 100.0, 400.0)


def test_a_trial_that_ends_while_the_budget_is_counted_counts_once(store, monkeypatch):
    trial, listed = make(), store.leases.all
    mine = Lease(key=trial.key, run="b", process=ELSEWHERE, attempt=1)
    assert store.leases.take(mine)

    def all_and_then_it_ends(_):
        found = listed()
        store.write(finished(trial, 80.0, device="cpu"))
        store.leases.release(mine)
        return found

    monkeypatch.setattr("evenhand.store.leases.Leases.all", all_and_then_it_ends)
    ledger = Ledger(1000.0, Granted(), {trial.key}, {trial.key: 50.0})
    assert ledger.left(store) == 1000.0 - 80.0


@pytest.mark.parametrize(
    ("granted", "seconds", "text"),
    [
        (Granted(0.25, 1.0), 20.0, "less than 0.01 of 40 GPU-hours are used"),
        (Granted(0.0, 2.0), 100.0, "0.03 of 40 core-hours are used"),
    ],
)
def test_gpu_hours_and_core_hours_are_counted_apart(store, granted, seconds, text):
    on_gpu, on_cpu = make(seed=0), make(seed=1)
    store.write(finished(on_gpu, 80.0, device="cuda"))
    store.write(finished(on_cpu, 50.0, device="cpu"))

    ledger = Ledger(40 * 3600.0, granted, {on_gpu.key, on_cpu.key})

    assert ledger.used(store.heads()) == seconds
    assert ledger.sentence(store.heads()) == text
