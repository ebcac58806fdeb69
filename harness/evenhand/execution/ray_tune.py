"""Run trials on Ray Tune: the one file that imports ray.

Ray only schedules. A worker writes a trial's record before it reports, and what counts as done is
read from the store alone: Tune ends trials that hung, ran out of memory or reported nothing as
"terminated", keeps a state file that lags behind, and its `restore` repeats finished trials.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import math
import os
import socket
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
from evenhand.errors import EndedEarly, RunError, StoreError
from evenhand.execution.events import Event, Mailbox, Sink, ended, label
from evenhand.execution.execute import Execution, unfinished
from evenhand.execution.packs import Pack, packs, run_pack
from evenhand.execution.resources import Resources, granted
from evenhand.store import Store

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
LOST_NODE_RETRIES = 2
HANG_GRACE_SECONDS = 30
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Work:
    """All that a worker needs, put once into the object store. packs are of trials in JSON."""

    packs: tuple[tuple[str, ...], ...]
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
    """Run the trials on a cluster, or on a Ray of our own on this machine where address is None.

    A store in a folder must be one that every node sees. Comes back when Tune has no more to run;
    what is done stands in the store. Raises `RunError` where the cluster cannot be reached or can
    never meet the resources, `EndedEarly` where Tune gave up before every trial had ended,
    `StoreError` where a worker could not write, and `KeyboardInterrupt` as it comes.
    """
    os.environ.update(QUIET)
    import ray

    with _connected(address):
        nodes = ray.nodes()  # type: ignore[no-untyped-call]
        alive = [node["Resources"] for node in nodes if node["Alive"]]
        taken = granted(resources, alive, pack=execution.pack)
        work = _work(trials, execution, taken, store, plugins)
        mailbox = ray.remote(num_cpus=0)(Mailbox).remote()
        with _relayed(mailbox, sink) as fatal, tempfile.TemporaryDirectory() as folder:
            try:
                _fit(work, mailbox, taken, folder)
            except RuntimeError as error:
                # Ray's memory monitor ends the whole experiment when it kills one worker.
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
    made = packs(trials, execution.pack, alone=execution.alone)
    return Work(
        packs=tuple(tuple(trial.model_dump_json() for trial in pack) for pack in made),
        # Ray hides no GPU from a trial that asked for none.
        execution=replace(execution, gpu_fraction=min(1.0, gpus) or 1.0, use_gpu=gpus > 0),
        store=store,
        plugins=plugins,
    )


def _fit(work: Work, mailbox: Any, taken: Resources, folder: str) -> None:
    import ray
    from ray import tune

    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    # References inside a list reach the trainable as references: each process fetches the work
    # once, not once a trial.
    trainable = tune.with_parameters(_trainable, box=[ray.put(work), mailbox])
    tuner = tune.Tuner(
        tune.with_resources(trainable, {"cpu": taken.cpus, "gpu": taken.gpus or 0.0}),
        param_space={"index": tune.grid_search(list(range(len(work.packs))))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="evenhand",
            storage_path=folder,
            verbose=0,
            # What ended together is started again one by one, by the driver.
            failure_config=tune.FailureConfig(
                max_failures=LOST_NODE_RETRIES if work.execution.pack == 1 else 0
            ),
        ),
    )
    tuner.fit()


def _trainable(config: dict[str, Any], *, box: list[Any]) -> None:
    """One pack inside a re-used actor. Nothing but a store that cannot be written to raises.

    Tune runs a pack again whose process or node it lost; what had left its record by then is not
    trained twice.
    """
    from ray import tune

    reference, mailbox = box
    work = _unpacked(reference)
    pack = [Trial.model_validate_json(text) for text in work.packs[config["index"]]]

    def sink(event: Event) -> None:
        mailbox.post.remote(event)

    left = _left(work, pack)
    missing = tuple(trial for trial in pack if trial.key not in left)
    for record in left.values():
        sink(ended(record))
    try:
        with _ended_when_hanging(missing, work, sink):
            run_pack(missing, work.execution, work.store, sink)
    except StoreError as error:
        sink(Event("fatal", pack[0].key, label(pack[0]), cause=str(error)))
        raise
    tune.report({"trials": len(pack)})


def _left(work: Work, pack: Sequence[Trial]) -> dict[str, Record]:
    """The records that trials have left in this run."""
    before = work.execution.attempts
    there = work.store.records([trial.key for trial in pack])
    return {r.key: r for r in there if r.attempts > before.get(r.key, 0)}


@lru_cache(maxsize=1)
def _unpacked(reference: Any) -> Work:
    """The work behind a reference; fetched once a process."""
    import ray

    work: Work = ray.get(reference)
    for plugin in work.plugins:
        plugin.load()
    return work


@contextlib.contextmanager
def _ended_when_hanging(pack: Pack, work: Work, sink: Sink) -> Iterator[None]:
    """End the process of trials that do not look at their clock, and say so in their records.

    One that holds the interpreter's lock leaves no thread to write a record: faulthandler, which
    needs no lock, ends that process, and the driver records the loss.
    """
    limit = work.execution.time_limit
    if math.isinf(limit):
        yield
        return

    def give_up() -> None:
        cause = f"did not stop within {HANG_GRACE_SECONDS} s of its time limit of {limit:g} s"
        for trial in pack:
            if not _left(work, [trial]):
                record = unfinished(trial, work.execution, Exit(status="failed", cause=cause))
                work.store.write(record)
                sink(ended(record))
        # Long enough for the event to leave this process.
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
def _relayed(mailbox: Any, sink: Sink) -> Iterator[list[str]]:
    """Hand on events as they come; what comes back holds the reason if a worker cannot go on."""
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


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """A connection to a cluster, or a Ray of our own; only the latter ends with it.

    "auto" joins the cluster of this machine only when it is asked for by that name.
    """
    import ray

    where = address or "local"
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if where == "local":
        settings["include_dashboard"] = False
    try:
        _knock(where)
        ray.init(where, **settings)
        _hush()
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError(
            f"no Ray cluster at {where}: {reason}\n"
            "  start one with `ray start --head`, or leave --address away to run on this machine\n"
            "  where the cluster asks for a token: RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=FILE"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _hush() -> None:
    """Keep the raylet's remarks off the screen: what they say of a trial is in its record."""
    from ray._private import ray_logging

    with contextlib.suppress(AttributeError, ValueError, KeyError):
        ray_logging.global_worker_stdstream_dispatcher.remove_handler("ray_print_logs")


def _knock(address: str) -> None:
    """Raises `OSError` where nothing listens: Ray itself would go on trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
