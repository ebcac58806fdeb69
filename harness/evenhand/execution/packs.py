"""Packs: trials that share a process, with one copy of torch and of the data.

A small network uses a GPU for a fraction of each step only. Trials in separate processes take turns
on a GPU; in one process, each on a CUDA stream of its own, their kernels run at the same time. On a
CPU a pack saves memory: importing torch takes more of it than a ResNet-32.
"""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from evenhand.declared.record import Exit, Record
from evenhand.declared.static_step import is_static
from evenhand.declared.trial import Trial
from evenhand.errors import StoreError
from evenhand.execution import provenance
from evenhand.execution.claims import Refusal, claim
from evenhand.execution.events import Event, Sink, ended_event, trial_label
from evenhand.execution.execute import Execution, empty_record, run_trial
from evenhand.execution.raised import GpuShareExceeded
from evenhand.execution.saving import write_record
from evenhand.execution.usage import Used, charged
from evenhand.remote.retries import may_pass
from evenhand.store import Store
from evenhand.store.leases import LeaseLostError
from evenhand.store.process import Process

Pack = tuple[Trial, ...]
WAKE_SECONDS = 0.5
"""Longest time after which a signal is noticed."""


def make_packs(
    trials: Sequence[Trial], size: int, *, alone: Collection[str] = frozenset()
) -> list[Pack]:
    """Group trials, in order, into packs of up to `size` trials of one problem under one recipe.

    Such trials take equally long. A trial with parts that are not static has a pack of its own, and
    so have the trials whose keys are in `alone`.
    """
    found: list[list[Trial]] = []
    open_packs: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.key in alone or not is_static(trial):
            found.append([trial])
            continue
        pack = open_packs.get(trial.workload)
        if pack is None or len(pack) >= size:
            pack = open_packs[trial.workload] = []
            found.append(pack)
        pack.append(trial)
    return [tuple(pack) for pack in found]


def run_claimed(trial: Trial, execution: Execution, store: Store, sink: Sink) -> None:
    """Run a trial that no other process trains, and that has no new record.

    A trial that another run trains is left to it, with an event of the kind "held". Where object
    storage does not answer this node of a cluster, which other nodes may reach, the trial is left
    with an event of the kind "left"; a finished record waits on the node. A trial that needs more
    than its share of a GPU is left for a whole one, with an event of the kind "again".
    """
    try:
        _run_claimed(trial, execution, store, sink)
    except StoreError as error:
        if not (execution.claimant.node and store.is_remote and may_pass(error)):
            raise
        label = trial_label(trial)
        text = f"{label}: {provenance.host()} does not reach the store; others go on: {error}"
        sink(Event("note", cause=text))
        sink(Event("left", trial.key, label))


def _run_claimed(trial: Trial, execution: Execution, store: Store, sink: Sink) -> None:
    # An earlier process of this machine may have left the record of this trial.
    store.deliver()
    share = execution.granted.of_trial(trial)
    found = claim(
        trial.key,
        execution.claimant,
        store.leases,
        attempts=execution.attempts.get(trial.key, 0),
        granted=share,
        spent=execution.spent.get(trial.key),
    )
    if isinstance(found, Refusal):
        _refuse(trial, found, execution, store, sink)
        return
    with found.held():
        store.deliver(held=trial.key)
        record = _later_record(trial, execution, store)
        if record is not None and record.exit.status != "interrupted":
            sink(ended_event(record))
            return
        if record is not None:
            # Of another run, after this one was planned: the trial goes on, in the next attempt.
            known = {**execution.attempts, trial.key: record.attempts}
            execution = replace(execution, attempts=known)
            found.begin(record.attempts + 1)
        if execution.ledger is not None and not execution.ledger.covers(trial.key, store, share):
            sink(Event("left", trial.key, trial_label(trial)))
            return
        exceeded = ""
        try:
            run_trial(trial, replace(execution, claim=found), store, found.seeing(sink))
        except LeaseLostError:
            sink(Event("held", trial.key, trial_label(trial)))
        except GpuShareExceeded as error:
            exceeded = str(error)
    if exceeded:
        # Tensors in reference cycles of the error would take memory from the next trial.
        gc.collect()
        sink(Event("again", trial.key, trial_label(trial), cause=exceeded, used=found.used))


def _refuse(trial: Trial, refusal: Refusal, execution: Execution, store: Store, sink: Sink) -> None:
    """Leave a trial to the run that trains it, or write the record of one that is given up."""
    if refusal.end is None:
        cause = refusal.lease.holder
        sink(Event("held", trial.key, trial_label(trial), cause=cause))
        return
    record = new_record(trial, execution, store)
    if record is None:
        record = empty_record(trial, execution, refusal.end)
        used = execution.granted.used_of(refusal.lease)
        record = charged(record, used, execution.granted, store)
        record = write_record(record, {}, store, sink)
    store.leases.release(refusal.lease)
    sink(ended_event(record))


def new_record(trial: Trial, execution: Execution, store: Store) -> Record | None:
    """The record that a trial got since the run was planned, from this or another run.

    None where that run was interrupted, because the trial can go on then.
    """
    found = _later_record(trial, execution, store)
    return None if found is None or found.exit.status == "interrupted" else found


def _later_record(trial: Trial, execution: Execution, store: Store) -> Record | None:
    """The record of a later attempt than the last one that the plan knows; None without one."""
    found = next(iter(store.records([trial.key])), None)
    known = execution.attempts.get(trial.key, 0)
    return found if found is not None and found.attempts > known else None


def write_ends(
    pack: Pack, end: Exit, execution: Execution, store: Store, sink: Sink
) -> tuple[Trial, ...]:
    """Write a record for each trial of a pack that has none yet; these trials.

    A trial that another process trains is left to it, also where that is of this run: Ray starts
    the trials of a node that it has lost on another one.
    """
    leases, this, written = store.leases.all(), Process.this(), []
    for trial in pack:
        is_others = trial.key in leases and leases[trial.key].process != this
        if is_others or new_record(trial, execution, store) is not None:
            continue
        granted, lease = execution.granted.among(len(pack)), leases.get(trial.key)
        used = granted.used_of(lease) if lease else Used()
        record = charged(empty_record(trial, execution, end), used, granted, store)
        record = write_record(record, {}, store, sink)
        sink(ended_event(record))
        written.append(trial)
    return tuple(written)


def _wait(running: Collection[Future[None]]) -> None:
    """Wait until all have ended, or one has raised an error.

    The system may give a signal to any thread. Python handles it in the main thread, which would
    not wake for it while it waits without a limit.
    """
    left = set(running)
    while left:
        done, left = wait(left, timeout=WAKE_SECONDS, return_when=FIRST_EXCEPTION)
        if any(each.exception() for each in done):
            return


def run_pack(pack: Pack, execution: Execution, store: Store, sink: Sink) -> None:
    """Run the trials of a pack at the same time, each in a thread; those that are late are left.

    A thread, also for a single trial: an interrupt arrives in the main thread, and the trial then
    ends between two steps and saves its state. Raises `KeyboardInterrupt` after every trial has its
    record, and what `run_trial` raises.
    """
    now = time.time()
    late = {t.key for t in pack if now > execution.latest.get(t.key, math.inf)}
    for trial in pack:
        if trial.key in late:
            sink(Event("left", trial.key, trial_label(trial)))
    pack = tuple(trial for trial in pack if trial.key not in late)
    if not pack:
        return
    stop, lock = execution.stop or threading.Event(), threading.Lock()
    granted = execution.granted.among(len(pack))
    execution = replace(execution, stop=stop, granted=granted, together=len(pack))

    def one_at_a_time(event: Event) -> None:
        with lock:
            sink(event)

    with ThreadPoolExecutor(len(pack)) as pool:
        running = [pool.submit(run_claimed, t, execution, store, one_at_a_time) for t in pack]
        try:
            _wait(running)
        except KeyboardInterrupt:
            store.hurry()
            raise
        finally:
            # Where one trial cannot write its record, or the run is interrupted, all others stop.
            stop.set()
    errors = [error for done in running if (error := done.exception())]
    # The others are interrupted because of the one that could not write its record.
    errors.sort(key=lambda error: isinstance(error, KeyboardInterrupt))
    for error in errors[:1]:
        raise error
