"""A claim: its beats while a trial trains, and the end of a trial that another has taken over."""

from __future__ import annotations

import time

import pytest

from evenhand.execution import claims
from evenhand.execution.claims import Claim, Claimant, claim, next_start
from evenhand.execution.events import Event
from evenhand.execution.execute import run_trial
from evenhand.execution.meter import Meter
from evenhand.execution.packs import run_claimed
from evenhand.store import Store
from evenhand.store.leases import Lease, LeaseLostError
from tests.execution.test_execute import execution
from tests.train.trials import make


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "results")


def claimed(trial, store):
    found = claim(trial.key, Claimant(), store.leases)
    assert isinstance(found, Claim)
    return found


def test_a_claim_counts_its_beats_while_it_is_held_and_leaves_no_lease(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    key, until = make().key, time.monotonic() + 60
    with claimed(make(), store).held():
        while store.leases.of(key).beats < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert store.leases.of(key).beats >= 3
    assert store.leases.of(key) is None


def test_a_beat_tells_the_epochs_of_the_trial_and_the_use_of_its_device(store, monkeypatch):
    meter = Meter()
    monkeypatch.setattr(claims, "meter", lambda: meter)
    monkeypatch.setattr(meter, "_reading", lambda _: {"device": "NVIDIA H200", "gpu_use": 0.5})
    found = claimed(make(), store)
    # Nothing has been read that may take a while.
    assert store.leases.of(make().key).activity is None
    found.see(Event("progress", make().key, epoch=3, epochs=30))
    found.see(Event("note", make().key, cause="no epochs"))
    found._show_life()
    told = store.leases.of(make().key).activity
    assert (told.epoch, told.epochs, told.device, told.gpu_use) == (3, 30, "NVIDIA H200", 0.5)
    assert told.seconds < 60
    # The next trial of the process begins with what is known of its device.
    found.leases.release(found.lease)
    told = claimed(make(), store).lease.activity
    assert (told.epoch, told.seconds, told.device) == (0, 0, "NVIDIA H200")


def test_the_lease_of_a_trial_that_trains_has_its_epochs(store, monkeypatch):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.01)
    trial, until, told = make(epochs=2), time.monotonic() + 60, []

    def sink(event):
        while event.kind == "progress" and not told and time.monotonic() < until:
            lease = store.leases.of(trial.key)
            if lease.activity is not None and lease.activity.epoch:
                told.append((lease.activity.epoch, lease.activity.epochs))
            time.sleep(0.01)

    run_claimed(trial, execution(trial), store, sink)
    assert told == [(1, 2)]
    assert store.heads()[trial.key].status == "done"


def test_a_device_that_cannot_be_read_ends_no_beats(store, monkeypatch):
    def broken(_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    meter = Meter()
    monkeypatch.setattr(claims, "meter", lambda: meter)
    monkeypatch.setattr(meter, "usage", broken)
    found = claimed(make(), store)
    found._show_life()
    lease = store.leases.of(make().key)
    assert (lease.beats, lease.activity) == (1, None)


def test_a_trial_that_was_taken_over_stops_at_its_next_step_and_writes_nothing(store):
    trial, events = make(epochs=50), []
    found = claimed(trial, store)

    def sink(event):
        events.append(event.kind)
        if event.kind == "started":
            other = Claimant().lease(trial.key)
            assert store.leases.take(other, over=found.lease)
            found._beat()

    with pytest.raises(LeaseLostError):
        run_trial(trial, execution(trial, claim=found), store, sink)
    # There is one of the kind "progress" after each epoch.
    assert events == ["started"]
    assert store.heads() == {}


def test_a_trial_that_was_taken_over_in_its_last_step_writes_nothing(store):
    trial = make(epochs=1)
    found = claimed(trial, store)
    assert store.leases.take(Claimant().lease(trial.key), over=found.lease)
    # Its next beat, by which it would stop, is to come.
    with pytest.raises(LeaseLostError):
        run_trial(trial, execution(trial, claim=found), store, lambda _: None)
    assert store.heads() == {}


def test_a_start_after_a_lost_node_does_not_count_against_the_trial():
    key = "0a" * 16
    before, lease = Lease(key=key, run="mine", starts=2), Lease(key=key, run="mine")

    assert next_start(lease, before, node_is_lost=False).starts == 3
    lost = next_start(lease, before, node_is_lost=True)
    assert (lost.starts, lost.lost_nodes) == (2, 1)
