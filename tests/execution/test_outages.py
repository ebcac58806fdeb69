"""Runs on object storage that does not answer for a while."""

from __future__ import annotations

import tempfile
import threading

import pytest

from evenhand.errors import StoreError
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import run_claimed
from evenhand.execution.plan import make_plan
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store
from evenhand.store.files import PatientFiles, open_files
from tests.store.outages import FORBIDDEN, NO_ANSWER, FlakyFiles


@pytest.fixture
def flaky(tmp_path, monkeypatch):
    monkeypatch.setattr("evenhand.store.retries.FIRST_PAUSE", 0.05)
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
