"""Runs on object storage that does not answer for a while."""

from __future__ import annotations

import signal
import tempfile
import threading
from dataclasses import replace

import pytest

from evenhand.declared.record import Exit
from evenhand.errors import StoreError
from evenhand.execution.events import trial_label
from evenhand.execution.execute import Execution, empty_record
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import run_claimed
from evenhand.execution.plan import make_plan
from evenhand.execution.ray_tune import _give_up
from evenhand.execution.ray_work import Work
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store
from evenhand.store.files import PatientFiles, open_files
from evenhand.store.leases import BEAT_SECONDS, Lease
from evenhand.store.process import Process
from evenhand.store.spool import Spool
from tests.store.outages import FORBIDDEN, NO_ANSWER, FlakyFiles


@pytest.fixture
def flaky(tmp_path, monkeypatch):
    monkeypatch.setattr("evenhand.remote.retries.FIRST_PAUSE", 0.05)
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return FlakyFiles(open_files(tmp_path / "bucket"))


def run(suite, store):
    events = []
    store.check_writable()
    run_plan(make_plan(suite, store), Execution(), store, RunTracker(events.append), run_inline)
    return events


def started(events):
    return [event.trial for event in events if event.kind == "started"]


def break_at_the_first_record(flaky, error, *, seconds):
    """Begin an outage with the first record; it lasts for some seconds, or for ever."""
    write = flaky.write

    def breaking(path, content):
        if path.endswith("/record.json"):
            flaky.error, flaky.write = error, write
            if seconds is not None:
                threading.Timer(seconds, setattr, (flaky, "error", "")).start()
        return write(path, content)

    flaky.write = breaking


def test_a_run_outlives_an_outage_and_trains_nothing_twice(suite_of, flaky, tmp_path):
    suite, undisturbed = suite_of("erm", "la"), Store.open(tmp_path / "other")
    run(suite, undisturbed)
    store = Store(PatientFiles(flaky), "main")
    break_at_the_first_record(flaky, NO_ANSWER, seconds=1.0)

    events = run(suite, store)

    assert len(started(events)) == len({*started(events)}) == 4
    assert not store.leases.all()
    notes = [event.cause for event in events if event.kind == "note"]
    assert any("the store does not answer; the record waits on this" in note for note in notes)
    assert [r.evaluations for r in store.records()] == [
        r.evaluations for r in undisturbed.records()
    ]


def test_a_record_that_a_run_could_not_write_is_not_trained_again(suite_of, flaky):
    suite = suite_of("erm", "la")
    break_at_the_first_record(flaky, FORBIDDEN, seconds=None)
    with pytest.raises(StoreError, match="it waits on this machine"):
        run(suite, Store(PatientFiles(flaky), "main"))
    flaky.error = ""

    store = Store(PatientFiles(flaky), "main")
    # The first run was this process, which is alive.
    for lease in store.leases.all().values():
        store.leases.release(lease)
    plan = make_plan(suite, store)
    store.check_writable()
    events = []
    run_plan(plan, Execution(), store, RunTracker(events.append), run_inline)

    # The plan was made before the record was delivered.
    assert len(plan.missing) == 4
    assert len(started(events)) == 3
    assert [r.attempts for r in store.records()] == [1, 1, 1, 1]


def test_a_process_delivers_what_waits_on_its_node_before_it_trains(suite_of, flaky):
    trial, *_ = suite_of("erm").trials.values()
    store, execution, events = Store(PatientFiles(flaky), "main"), Execution(), []
    break_at_the_first_record(flaky, FORBIDDEN, seconds=None)
    with pytest.raises(StoreError, match="it waits on this machine"):
        run_claimed(trial, execution, store, events.append)
    flaky.error = ""

    run_claimed(trial, execution, store, events.append)

    kinds = [event.kind for event in events]
    assert (kinds.count("started"), kinds.count("ended"), kinds[-1]) == (1, 1, "ended")
    assert store.read(trial.key).attempts == 1


def on_a_node(execution):
    return replace(execution, claimant=replace(execution.claimant, node="node-1"))


def test_a_trial_of_a_node_that_is_cut_off_is_left_and_ends_no_run(suite_of, flaky, monkeypatch):
    monkeypatch.setattr("evenhand.store.store.RUN_SECONDS", 0.2)
    first, second, *_ = suite_of("erm", "la").trials.values()
    store, execution, events = Store(PatientFiles(flaky), "main"), Execution(), []
    store.check_writable()
    break_at_the_first_record(flaky, NO_ANSWER, seconds=None)

    run_claimed(first, on_a_node(execution), store, events.append)
    assert [event.kind for event in events if event.kind != "progress"] == [
        "started", "note", "note", "left",
    ]  # fmt: skip
    assert "does not reach the store; others go on: " in events[-2].cause
    assert "it waits on this machine, in " in events[-2].cause
    # No trial trains in vain on the node.
    run_claimed(second, on_a_node(execution), store, events.append)
    assert [event.kind for event in events[-2:]] == ["note", "left"]
    assert started(events) == [trial_label(first)]

    with pytest.raises(StoreError, match="NETWORK_CONNECTION"):
        run_claimed(second, execution, store, events.append)
    flaky.error = ""
    run_claimed(second, on_a_node(execution), store, events.append)
    assert {record.key for record in store.records()} == {first.key, second.key}
    assert store.leases.all() == {}


def test_a_worker_that_hangs_is_ended_also_where_its_record_cannot_be_written(
    suite_of, flaky, monkeypatch
):
    pack = tuple(suite_of("erm").trials.values())
    store, events, codes = Store(PatientFiles(flaky), "main"), [], []
    monkeypatch.setattr("evenhand.execution.ray_tune.time.sleep", lambda _: None)
    monkeypatch.setattr("evenhand.execution.ray_tune.os._exit", codes.append)
    flaky.error = FORBIDDEN

    _give_up(pack, Work((), Execution(), store, ()), events.append, "hung: no step", "a stack")

    assert codes == [1]
    [note] = events
    assert "erm on blobs" in note.cause
    assert "hung: no step; its record cannot be written: " in note.cause
    assert "ACCESS_DENIED" in note.cause


def test_a_teacher_that_cannot_be_reached_is_no_failure_of_its_student(
    suite_of, flaky, monkeypatch
):
    monkeypatch.setattr("evenhand.store.store.RUN_SECONDS", 0.2)
    trial, *_ = suite_of("erm").trials.values()
    store = Store(PatientFiles(flaky), "main")
    store.check_writable()

    def unreachable(*_):
        flaky.error = NO_ANSWER
        return store.read(trial.key)

    monkeypatch.setattr("evenhand.execution.execute.teacher_probabilities", unreachable)
    events = []
    run_claimed(trial, on_a_node(Execution()), store, events.append)

    assert events[-1].kind == "left"
    assert not list(Spool.of(store.location, "main").waiting())


def test_a_run_that_waits_for_another_one_looks_at_object_storage_once_a_beat(
    suite_of, flaky, monkeypatch
):
    suite, store, pauses = suite_of("erm", seeds=1), Store(PatientFiles(flaky), "main"), []
    [trial] = suite.trials.values()
    elsewhere = Process(host="node7", machine="another", pid=12)
    store.leases.take(Lease(key=trial.key, run="other", process=elsewhere))

    def end_of_the_other_run(seconds):
        pauses.append(seconds)
        store.write(empty_record(trial, Execution(), Exit(status="done")))

    monkeypatch.setattr("evenhand.execution.rounds.time.sleep", end_of_the_other_run)
    assert started(run(suite, store)) == []
    assert pauses == [BEAT_SECONDS]


def test_ctrl_c_ends_a_run_that_waits_for_its_store(suite_of, flaky):
    suite, store, seen = suite_of("erm"), Store(PatientFiles(flaky), "main"), []
    store.check_writable()
    break_at_the_first_record(flaky, NO_ANSWER, seconds=None)

    def sink(event):
        if event.kind == "note":
            seen.append(event)
            main = threading.main_thread().ident
            threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()

    with pytest.raises(KeyboardInterrupt):
        run_inline(tuple(suite.trials.values()), Execution(), store, sink)
    assert len(seen) == 1
    assert len(list(Spool.of(store.location, "main").waiting())) == 1
