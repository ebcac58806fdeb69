"""Execution of trials on Ray Tune; `ray_cluster.py` connects to the cluster.

Ray only schedules. A worker writes a trial's record before it reports to Tune, and the store alone
decides which trials are done. For Tune a trial that hung or reported nothing is "terminated"
without an error; its state file lags behind, and its `restore` repeats finished trials.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from evenhand.declared.plugin import Plugin
from evenhand.declared.record import Exit, Record
from evenhand.declared.trial import Trial
from evenhand.errors import EndedEarly, StoreError
from evenhand.execution.events import Event, Mailbox, Sink, ended_event, trial_label
from evenhand.execution.execute import Execution, empty_record
from evenhand.execution.packs import Pack, make_packs, run_pack
from evenhand.execution.ray_cluster import connect
from evenhand.execution.resources import Resources, allocate
from evenhand.store import Store

LOST_NODE_RETRIES = 2
HANG_GRACE_SECONDS = 30
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """The work of all workers, put into Ray's object store once."""

    packs: tuple[tuple[str, ...], ...]
    """The trials of each pack as JSON."""
    execution: Execution
    store: Store
    plugins: tuple[Plugin, ...]


def run_on_ray(
    trials: Sequence[Trial],
    execution: Execution,
    store: Store,
    sink: Sink,
    *,
    address: str | None,
    resources: Resources,
    plugins: tuple[Plugin, ...] = (),
) -> None:
    """Run trials on a cluster, or on this machine with a Ray of its own where address is None.

    A store in a folder must be visible to every node. Returns when Tune has nothing left to run;
    the store then tells which trials are done. Raises `RunError` where no cluster is reached or it
    can never provide the resources, `EndedEarly` where Tune gave up before every trial had ended,
    `StoreError` where a worker could not write a record, and `KeyboardInterrupt`.
    """
    with connect(address) as nodes:
        import ray

        taken = allocate(resources, nodes, pack=execution.pack)
        work = _work(trials, execution, taken, store, plugins)
        mailbox = ray.remote(num_cpus=0)(Mailbox).remote()
        with _relay_events(mailbox, sink) as fatal, tempfile.TemporaryDirectory() as folder:
            try:
                _fit(work, mailbox, taken, folder)
            except RuntimeError as error:
                # When Ray's memory monitor kills one worker, `fit` raises for the whole experiment.
                raise EndedEarly(f"Ray Tune ended early: {error}") from error
        if fatal:
            raise StoreError(fatal[0])


def _work(
    trials: Sequence[Trial],
    execution: Execution,
    taken: Resources,
    store: Store,
    plugins: tuple[Plugin, ...],
) -> Work:
    gpus = taken.gpus or 0.0
    made = make_packs(trials, execution.pack, alone=execution.alone)
    return Work(
        packs=tuple(tuple(trial.model_dump_json() for trial in pack) for pack in made),
        # A trial without GPUs must be told so: Ray does not hide the GPUs from it.
        execution=replace(execution, gpu_fraction=min(1.0, gpus) or 1.0, use_gpu=gpus > 0),
        store=store,
        plugins=plugins,
    )


def _fit(work: Work, mailbox: Any, taken: Resources, folder: str) -> None:
    import ray
    from ray import tune

    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # A reference in a list stays one, so that each process fetches the work once, not each trial.
    trainable = tune.with_parameters(_trainable, box=[ray.put(work), mailbox])
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": taken.cpus, "gpu": taken.gpus or 0.0}),
        # Indices, because a grid of trials would be copied for each of them.
        param_space={"index": tune.grid_search(list(range(len(work.packs))))},
        # A new actor for each trial imports torch again, which takes seconds.
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="evenhand",
            storage_path=folder,
            verbose=0,
            # A lost pack is not run again by Tune: the driver runs its trials one by one.
            failure_config=tune.FailureConfig(
                max_failures=LOST_NODE_RETRIES if work.execution.pack == 1 else 0
            ),
        ),
    )
    tuner.fit()


def _trainable(config: dict[str, Any], *, box: list[Any]) -> None:
    """Run a pack in a re-used actor; only a store that cannot be written to raises.

    A pack whose process or node was lost runs again, without the trials that have a new record.
    """
    from ray import tune

    reference, mailbox = box
    work = _fetch_work(reference)
    pack = [Trial.model_validate_json(text) for text in work.packs[config["index"]]]

    def sink(event: Event) -> None:
        mailbox.post.remote(event)

    left = _new_records(work, pack)
    missing = tuple(trial for trial in pack if trial.key not in left)
    for record in left.values():
        sink(ended_event(record))
    try:
        with _ended_when_hanging(missing, work, sink):
            run_pack(missing, work.execution, work.store, sink)
    except StoreError as error:
        sink(Event("fatal", pack[0].key, trial_label(pack[0]), cause=str(error)))
        raise
    tune.report({"trials": len(pack)})


def _new_records(work: Work, pack: Sequence[Trial]) -> dict[str, Record]:
    """The records that trials wrote in this run, by key."""
    before = work.execution.attempts
    there = work.store.records([trial.key for trial in pack])
    return {r.key: r for r in there if r.attempts > before.get(r.key, 0)}


@lru_cache(maxsize=1)
def _fetch_work(reference: Any) -> Work:
    """The work behind a reference; each process fetches it once."""
    import ray

    work: Work = ray.get(reference)
    for plugin in work.plugins:
        plugin.load()
    return work


@contextlib.contextmanager
def _ended_when_hanging(pack: Pack, work: Work, sink: Sink) -> Iterator[None]:
    """End the process of trials that hang: they check their limit between steps, and Tune has none.

    Where a trial holds the interpreter's lock, no thread can write its record: faulthandler needs
    no lock and ends the process, and the driver writes the record.
    """
    limit = work.execution.time_limit
    if math.isinf(limit):
        yield
        return

    def give_up() -> None:
        cause = f"did not stop within {HANG_GRACE_SECONDS} s of its time limit of {limit:g} s"
        for trial in pack:
            if not _new_records(work, [trial]):
                record = empty_record(trial, work.execution, Exit(status="failed", cause=cause))
                work.store.write(record)
                sink(ended_event(record))
        # The event is sent in the background: without a pause the exit would discard it.
        time.sleep(1)
        os._exit(1)

    alarm = threading.Timer(limit + HANG_GRACE_SECONDS, give_up)
    alarm.daemon = True
    alarm.start()
    faulthandler.dump_traceback_later(limit + 2 * HANG_GRACE_SECONDS, exit=True)
    try:
        yield
    finally:
        alarm.cancel()
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _relay_events(mailbox: Any, sink: Sink) -> Iterator[list[str]]:
    """Pass on events to the sink; the list receives the cause of a fatal event."""
    import _thread

    import ray

    fatal: list[str] = []
    over = threading.Event()

    def hand_on() -> None:
        for event in ray.get(mailbox.take.remote()):
            if event.kind == "fatal" and not fatal:
                fatal.append(event.cause)
                _thread.interrupt_main()
            sink(event)

    def pump() -> None:
        while not over.wait(POLL_SECONDS):
            with contextlib.suppress(ray.exceptions.RayError):
                hand_on()

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield fatal
    except KeyboardInterrupt:
        if not fatal:
            raise
    finally:
        over.set()
        thread.join()
        with contextlib.suppress(ray.exceptions.RayError):
            hand_on()
