"""A trial that hangs in the process of the user, which cannot be ended."""

from __future__ import annotations

import time

from evenhand.declared.record import Exit
from evenhand.execution import claims, inline
from evenhand.execution.claims import Claimant, claim
from evenhand.execution.execute import Execution, empty_record
from evenhand.execution.inline import run_inline
from evenhand.execution.packs import write_ends
from evenhand.execution.watchdog import StallLimits
from evenhand.pulse import pulse
from evenhand.store import Store
from evenhand.store.process import Process

STALLS = StallLimits(first=0.5, least=0.5, factor=1.0)


def test_a_trial_without_progress_is_told_once_and_its_lease_stands_still_until_it_proceeds(
    suite_of, tmp_path, monkeypatch
):
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr("evenhand.execution.watchdog.LOOK_SECONDS", 0.1)
    [trial] = suite_of("erm", seeds=1).trials.values()
    store, events, beats = Store.open(tmp_path), [], []

    def steps(seconds, *, are_made):
        """Wait; the number of beats in that time."""
        before, until = store.leases.of(trial.key).beats, time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.02)
            if are_made:
                pulse()
        return store.leases.of(trial.key).beats - before

    def pack(_, execution, *__):
        held = claim(trial.key, execution.claimant, store.leases)
        with held.held():
            beats.append(steps(1.0, are_made=True))
            steps(1.5, are_made=False)
            beats.append(steps(1.0, are_made=False))
            beats.append(steps(1.0, are_made=True))

    monkeypatch.setattr(inline, "run_pack", pack)
    run_inline([trial], Execution(stalls=STALLS), store, events.append)

    assert beats[0] > 2
    assert beats[1] == 0
    assert beats[2] > 2
    [note] = events
    assert (note.kind, note.key) == ("note", trial.key)
    assert "erm on blobs" in note.cause
    assert "hung: it made no progress for" in note.cause
    assert "another run may take it over" in note.cause


def test_a_trial_that_another_run_interrupted_after_the_plan_is_held_for_the_attempt_after_that(
    suite_of, parts, tmp_path
):
    [trial] = suite_of("erm", seeds=1).trials.values()
    store, held = Store.open(tmp_path), []
    store.write(empty_record(trial, Execution(), Exit(status="interrupted")))

    def sink(event):
        if event.kind == "started":
            held.append(store.leases.of(trial.key))

    run_inline([trial], Execution(), store, sink)

    [lease] = held
    assert lease.attempt == 2
    assert not lease.is_over(attempts=1)
    assert (store.read(trial.key).attempts, store.read(trial.key).exit.status) == (2, "done")


def test_the_end_of_a_pack_leaves_a_trial_to_the_process_that_trains_it(suite_of, tmp_path):
    mine, others, moved = suite_of("erm", seeds=3).trials.values()
    store, execution = Store.open(tmp_path), Execution()
    store.leases.take(execution.claimant.lease(mine.key))
    elsewhere = Process(host="node7", machine="another", pid=12)
    for trial, claimant in ((others, Claimant()), (moved, execution.claimant)):
        lease = claimant.lease(trial.key)
        store.leases.take(lease.model_copy(update={"process": elsewhere}))
    pack, end = (mine, others, moved), Exit(status="failed", cause="hung")

    assert write_ends(pack, end, execution, store, print) == (mine,)
    assert [record.key for record in store.records()] == [mine.key]
    assert write_ends(pack, end, execution, store, print) == ()
