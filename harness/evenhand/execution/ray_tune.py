"""Execution of trials on Ray Tune; `ray_cluster.py` connects to the cluster.

Ray only schedules. A worker writes a trial's record before it reports to Tune, and the store alone
decides which trials are done. For Tune a trial that hung or reported nothing is "terminated"
without an error; its state file lags behind, and its `restore` repeats finished trials.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from evenhand.declared.plugin import Plugin
from evenhand.declared.record import Exit
from evenhand.declared.trial import Trial
from evenhand.errors import StoreError
from evenhand.execution.events import Event, Sink, ended_event, trial_label
from evenhand.execution.execute import Execution
from evenhand.execution.node_checks import Expected
from evenhand.execution.packs import Pack, make_packs, new_record, run_pack, write_ends
from evenhand.execution.ray_cluster import connect, node_resources
from evenhand.execution.ray_early_end import early_end
from evenhand.execution.ray_events import RayEvents, start_mailbox, stop_of
from evenhand.execution.ray_nodes import Nodes, checked, nodes_are_replaced, placement
from evenhand.execution.ray_scaling import MOST, Demand
from evenhand.execution.ray_watch import Watch
from evenhand.execution.ray_work import Work, fetched, kept
from evenhand.execution.resources import Resources, allocate, count_slots
from evenhand.execution.usage import Granted
from evenhand.execution.watchdog import Watchdog
from evenhand.store import Store

LOST_NODE_RETRIES = 2
STOP_SECONDS = 10.0
"""Time in which the workers save their states where the run is stopped, of the 25 s that a command
has to end after a signal."""


@contextlib.contextmanager
def on_ray(
    trials: Sequence[Trial],
    execution: Execution,
    store: Store,
    sink: Sink,
    *,
    address: str | None,
    resources: Resources,
    plugins: tuple[Plugin, ...] = (),
    ship_code: bool = False,
    max_concurrent: int | None = None,
) -> Iterator[RayRunner]:
    """Connect to a cluster, or to a Ray of its own where address is None, for a whole run.

    Gives the runner of its rounds, each of which runs some of the trials. A store in a folder must
    be visible to every node. Raises `ClusterLost` where no cluster answers or it is lost in the
    `with` block, and `RunError` where it can never provide the resources or none of its nodes can
    train.
    """
    with connect(address, ship_code=ship_code) as watching, contextlib.ExitStack() as stack:
        taken = allocate(resources, node_resources(), pack=execution.pack)
        nodes = None
        if address is not None:
            gpus = taken.gpus or 0.0
            expected = Expected.of(trials, execution, store, plugins, gpus=gpus)
            nodes = Nodes(expected, sink, taken.cpus)
            stack.enter_context(checked(nodes))
        # Never none: a pack has at most as many trials.
        together = max_concurrent // execution.pack if max_concurrent is not None else None
        slots = execution.pack * count_slots(taken, node_resources())
        mailbox = start_mailbox()
        yield RayRunner(watching, taken, resources, nodes, plugins, mailbox, slots, together)


@dataclass(frozen=True)
class RayRunner:
    """Runner of the rounds of a run over one connection to Ray; each round is a Tuner."""

    watching: Watch
    taken: Resources
    """Resources of a pack."""
    resources: Resources
    """Resources of a trial."""
    nodes: Nodes | None
    """Nodes of a cluster; None for a Ray on this machine alone."""
    plugins: tuple[Plugin, ...]
    mailbox: Any
    """Handle of the queue of events."""
    slots: int = 1
    """Number of trials that there is room for at a time, when the run starts."""
    together: int | None = None
    """Largest number of packs that run at a time; None: as many as there is room for."""

    def __call__(
        self, trials: Sequence[Trial], execution: Execution, store: Store, sink: Sink
    ) -> None:
        """Run trials; returns when Tune has nothing left to run.

        The store then tells which trials are done. Raises `EndedEarly` where Tune gave up before
        every trial had ended, `StoreError` where a worker could not write a record, `ClusterLost`,
        and `KeyboardInterrupt` after the workers had `STOP_SECONDS` to save the states of the
        running trials.
        """
        with self.watching.explained():
            taken = self._taken(execution)
            work = _work(trials, execution, taken, store, self.plugins)
            most = self.together or MOST
            demand = Demand(self.mailbox, taken, execution.pack, len(trials), most)
            sink = demand.counted(sink)
            events = RayEvents(sink, lambda: _catch_up(trials, work, sink), self.mailbox)
            if self.nodes is not None:
                self.nodes.begin_round()
            with events.relayed() as fatal, tempfile.TemporaryDirectory() as folder:
                try:
                    with demand.requested():
                        _fit(work, self.mailbox, taken, folder, self.together)
                except RuntimeError as error:
                    # When Ray's memory monitor kills one worker, `fit` raises for the whole
                    # experiment.
                    raise early_end(error) from error
                except KeyboardInterrupt:
                    self._stop(events)
                    raise
        if fatal:
            raise StoreError(fatal[0])

    def _taken(self, execution: Execution) -> Resources:
        if not execution.whole_node:
            return self.taken
        return allocate(self.resources, node_resources(), pack=execution.pack, whole_node=True)

    def _stop(self, events: RayEvents) -> None:
        """Let the workers save the states of the trials that run, where they can be reached."""
        if not self.watching.lost:
            # The user's stop is the end of the run, also where the cluster is stopped with it.
            self.watching.stop()
            events.stop_trials(STOP_SECONDS, lambda: self.watching.is_whole)


def _catch_up(trials: Sequence[Trial], work: Work, sink: Sink) -> None:
    """Send the events of trials that have ended: the store decides, and an event may be lost."""
    for trial in trials:
        record = new_record(trial, work.execution, work.store)
        if record is not None:
            sink(ended_event(record))


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
        execution=replace(
            execution,
            gpu_fraction=min(1.0, gpus) or 1.0,
            use_gpu=gpus > 0,
            needs_gpu=gpus > 0,
            granted=Granted(gpus, taken.cpus),
        ),
        store=store,
        plugins=plugins,
    )


def _fit(work: Work, mailbox: Any, taken: Resources, folder: str, together: int | None) -> None:
    from ray import tune

    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    trainable = partial(_trainable, keeper=kept(work), mailbox=mailbox)
    tuner = tune.Tuner(
        tune.with_resources(trainable, placement(taken)),
        # Indices, because a grid of trials would be copied for each of them.
        param_space={"index": tune.grid_search(list(range(len(work.packs))))},
        # A new actor for each trial imports torch again, which takes seconds.
        tune_config=tune.TuneConfig(reuse_actors=True, max_concurrent_trials=together),
        run_config=tune.RunConfig(
            name="evenhand",
            storage_path=folder,
            verbose=0,
            stop=end_of_round(),
            # A lost pack is not run again by Tune: the driver runs its trials one by one.
            failure_config=tune.FailureConfig(
                max_failures=LOST_NODE_RETRIES if work.execution.pack == 1 else 0
            ),
        ),
    )
    tuner.fit()


def end_of_round() -> Any:
    """A stopper of Tune that ends the round where trials wait for nodes that were all lost.

    The next round offers them the nodes that have joined.
    """
    from ray import tune

    class Replaced(tune.Stopper):
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            return False

        def stop_all(self) -> bool:
            return nodes_are_replaced()

        def __reduce__(self) -> tuple[Any, ...]:
            # Tune saves its settings, and a class inside a function cannot be imported.
            return end_of_round, ()

    return Replaced()


def _trainable(config: dict[str, Any], *, keeper: Any, mailbox: Any) -> None:
    """Run a pack in a re-used actor; only a store that cannot be written to raises.

    A pack whose process or node was lost runs again, without the trials that have a new record.
    """
    from ray import tune

    work = fetched(keeper)
    pack = tuple(Trial.model_validate_json(text) for text in work.packs[config["index"]])

    def sink(event: Event) -> None:
        mailbox.post.remote(event)

    give_up = partial(_give_up, pack, work, sink)
    file = work.store.leases.hang_file(work.execution.claimant.hang)
    watchdog = Watchdog(work.execution.stalls, work.execution.time_limit, give_up, hang=file)
    try:
        with watchdog.watching(), stop_of(mailbox) as stop:
            run_pack(pack, replace(work.execution, stop=stop), work.store, sink)
    except StoreError as error:
        sink(Event("fatal", pack[0].key, trial_label(pack[0]), cause=str(error)))
        raise
    tune.report({"trials": len(pack)})


def _give_up(pack: Pack, work: Work, sink: Sink, cause: str, stacks: str) -> None:
    """Write the records of a pack that hangs, and end its process in any case."""
    try:
        end = Exit(status="failed", cause=cause, traceback=stacks)
        write_ends(pack, end, work.execution, work.store, sink)
    except StoreError as error:
        text = f"{trial_label(pack[0])} {cause}; its record cannot be written: {error}"
        sink(Event("note", cause=text))
    finally:
        # The event is sent in the background: without a pause the exit would discard it.
        time.sleep(1)
        os._exit(1)
