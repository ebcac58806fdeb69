"""GPU time and core time of trials, over all attempts, and the budget that they share."""

from __future__ import annotations

import time

import pytest

from evenhand.declared.record import Exit
from evenhand.execution import claims
from evenhand.execution.claims import Claim, Claimant, claim
from evenhand.execution.execute import Execution, empty_record
from evenhand.execution.packs import run_pack
from evenhand.execution.usage import Granted, Ledger, charged
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
    cost = charged(record, seconds, granted, store).cost
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
        store.write(charged(record, seconds, granted, store))

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
    store.write(charged(first, 500.0, Granted(), store))

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
        assert small.covers(trials[3].key, store) == covers
    assert Ledger(255.0, ledger.granted, ledger.keys, expected).covers(trials[1].key, store)


def test_finished_trials_correct_what_is_expected_of_the_others(store):
    one, other = make(seed=0), make(seed=1)
    kinds = {t.key: (t.method.name, t.workload) for t in (one, other)}
    keys, expected = kinds.keys(), dict.fromkeys(kinds, 1.0)
    assert Ledger(100.0, Granted(), keys, expected, kinds).covers(other.key, store)

    store.write(finished(one, 60.0))
    assert not Ledger(100.0, Granted(), keys, expected, kinds).covers(other.key, store)
    assert Ledger(120.0, Granted(), keys, expected, kinds).covers(other.key, store)


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
