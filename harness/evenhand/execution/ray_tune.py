"""Execution of trials on Ray Tune; `ray_cluster.py` connects to the cluster.

Ray only schedules. A worker writes a trial's record before its step for Tune ends, and the store
alone decides which trials are done. For Tune a trial that hung or reported nothing is "terminated"
without an error; its state file lags behind, and its `restore` repeats finished trials.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from evenhand.data.images import Source
from evenhand.declared.plugin import Plugin
from evenhand.declared.record import Exit
from evenhand.declared.trial import Trial
from evenhand.errors import DataError, StoreError
from evenhand.execution.background import run_beside
from evenhand.execution.events import Event, Sink, ended_event, trial_label
from evenhand.execution.execute import Execution
from evenhand.execution.measured import Measured
from evenhand.execution.node_checks import Expected
from evenhand.execution.node_copies import ExpectedData
from evenhand.execution.packs import Pack, make_packs, new_record, run_pack, write_ends
from evenhand.execution.placing import Placing
from evenhand.execution.ray_cluster import connect, node_resources
from evenhand.execution.ray_early_end import early_end
from evenhand.execution.ray_events import RayEvents, start_mailbox, stop_of
from evenhand.execution.ray_lost_packs import frees_places
from evenhand.execution.ray_nodes import Nodes, checked
from evenhand.execution.ray_placement import Placement, is_stuck, node_here, place, placed
from evenhand.execution.ray_reuse import in_order, processes_kept
from evenhand.execution.ray_scaling import MOST, Demand
from evenhand.execution.ray_watch import Watch
from evenhand.execution.ray_work import Work, fetched, kept, sources_of
from evenhand.execution.resources import Resources, allocate, count_slots, fixed
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
    measured: Measured | None = None,
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
        is_shared = address is not None
        there = node_resources(resources.accelerators)
        taken = allocate(resources, there, pack=execution.pack, leaves_cpus=is_shared)
        placing = Placing(resources, taken, measured or Measured(), leaves_cpus=is_shared)
        nodes, here = None, () if is_shared else node_here()
        if is_shared:
            gpus = taken.gpus or 0.0
            expected = Expected.of(trials, execution, store, plugins, gpus=gpus)
            nodes = Nodes(expected, sink, taken.cpus, resources.accelerators)
            stack.enter_context(checked(nodes))
            # Where the nodes that have them are left out, trials would wait for ever.
            usable = [node.resources for node in nodes.there]
            allocate(fixed(resources, taken), usable, pack=execution.pack, leaves_cpus=True)
        placement = Placement(placing, nodes, here)
        # Never none: a pack has at most as many trials.
        together = max_concurrent // execution.pack if max_concurrent is not None else None
        slots = execution.pack * count_slots(taken, there)
        yield RayRunner(watching, taken, placement, plugins, start_mailbox(), slots, together)


@dataclass(frozen=True)
class RayRunner:
    """Runner of the rounds of a run over one connection to Ray; each round is a Tuner."""

    watching: Watch
    taken: Resources
    """Resources of a pack."""
    placement: Placement
    """Places of the packs."""
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
            packs = make_packs(trials, execution.pack, alone=execution.alone)
            work = self._work(packs, execution, store)
            placing, nodes = self.placement.placing, self.placement.nodes
            taken = self._taken(execution)
            placing.begin(packs, execution, taken)
            requested: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
            if nodes is not None:
                nodes.begin_round()
                most = min(self.together or MOST, MOST)
                requested = Demand(self.mailbox, placing, nodes, most).requested()

            def seen(event: Event) -> None:
                placing.see(event)
                sink(event)

            events = RayEvents(seen, lambda: _catch_up(trials, work, seen), self.mailbox)
            ready = placed(self.placement), events.relayed()
            with ready[0], ready[1] as fatal, tempfile.TemporaryDirectory() as folder:
                try:
                    with requested:
                        _fit(work, execution.sources, self.mailbox, folder, self.together)
                except RuntimeError as error:
                    # When Ray's memory monitor kills one worker, `fit` raises for the whole
                    # experiment.
                    raise early_end(error) from error
                except KeyboardInterrupt:
                    self._stop(events)
                    raise
        if fatal:
            raise StoreError(fatal[0])

    def _work(self, packs: Sequence[Pack], execution: Execution, store: Store) -> Work:
        return Work(
            packs=tuple(tuple(trial.model_dump_json() for trial in pack) for pack in packs),
            execution=replace(execution, sources={}),
            store=store,
            plugins=self.plugins,
            data={key: source.files for key, source in execution.sources.items()},
            is_shared=self.placement.nodes is not None,
            places=ExpectedData.of(execution).places,
        )

    def _taken(self, execution: Execution) -> Resources:
        if not execution.whole_node:
            return self.taken
        nodes = [node.resources for node in self.placement.there]
        resources = fixed(self.placement.placing.resources, self.taken)
        return allocate(resources, nodes, pack=execution.pack, whole_node=True)

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


def with_granted(execution: Execution, gpus: float, cpus: float) -> Execution:
    """The execution in a process that Ray grants GPUs, or a fraction of one, and CPU cores."""
    # A trial without GPUs must be told so: Ray does not hide the GPUs from it.
    return replace(
        execution,
        gpu_fraction=min(1.0, gpus) or 1.0,
        use_gpu=gpus > 0,
        needs_gpu=gpus > 0,
        granted=Granted(gpus, cpus),
    )


def _fit(
    work: Work, sources: Mapping[str, Source], mailbox: Any, folder: str, together: int | None
) -> None:
    from ray import tune

    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    tuner = tune.Tuner(
        trainable(kept(work, sources), mailbox),
        # Indices, because a grid of trials would be copied for each of them.
        param_space={"index": tune.grid_search(list(range(len(work.packs))))},
        # A new actor for each trial imports torch again, which takes seconds.
        tune_config=tune.TuneConfig(
            reuse_actors=True, max_concurrent_trials=together, scheduler=in_order()
        ),
        run_config=tune.RunConfig(
            name="evenhand",
            storage_path=folder,
            verbose=0,
            stop=end_of_round(),
            callbacks=[frees_places()],
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            # A lost pack is not run again by Tune: the driver runs its trials one by one.
            failure_config=tune.FailureConfig(
                max_failures=LOST_NODE_RETRIES if work.execution.pack == 1 else 0
            ),
        ),
    )
    with processes_kept():
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
            return is_stuck()

        def __reduce__(self) -> tuple[Any, ...]:
            # Tune saves its settings, and a class inside a function cannot be imported.
            return end_of_round, ()

    return Replaced()


def trainable(keeper: Any, mailbox: Any) -> Any:
    """The class whose actors run the packs of a round, each in one step.

    A function would report to Tune before its end, too, in another exchange with the driver.
    """
    from ray import tune

    class PackTrainable(tune.Trainable):
        @classmethod
        def default_resource_request(cls, config: dict[str, Any]) -> Any:
            return place(config)

        def step(self) -> dict[str, Any]:
            resources = self.trial_resources
            assert resources is not None, "Tune knows what it grants"
            granted = resources.required_resources
            run_beside(partial(_run_in_actor, self.config["index"], granted, keeper, mailbox))
            return {"done": True}

        def reset_config(self, new_config: dict[str, Any]) -> bool:
            return True

    return PackTrainable


def _run_in_actor(index: int, granted: dict[str, float], keeper: Any, mailbox: Any) -> None:
    """Run a pack in a re-used actor; only a store or data that cannot be reached raise.

    A pack whose process or node was lost runs again, without the trials that have a new record.
    """
    work = fetched(keeper)
    pack = tuple(Trial.model_validate_json(text) for text in work.packs[index])

    def sink(event: Event) -> None:
        mailbox.post.remote(event)

    execution = with_granted(work.execution, granted.get("GPU", 0.0), granted.get("CPU", 1.0))
    give_up = partial(_give_up, pack, replace(work, execution=execution), sink)
    file = work.store.leases.hang_file(work.execution.claimant.hang)
    watchdog = partial(Watchdog, work.execution.stalls, give_up=give_up, hang=file)
    try:
        # The time limit of a trial does not count the time in which data travel.
        with watchdog(time_limit=math.inf).watching():
            execution = replace(execution, sources=sources_of(pack, keeper, mailbox))
        limit = work.execution.time_limit
        with watchdog(time_limit=limit).watching(), stop_of(mailbox) as stop:
            run_pack(pack, replace(execution, stop=stop), work.store, sink)
    except (DataError, StoreError) as error:
        sink(Event("fatal", pack[0].key, trial_label(pack[0]), cause=str(error)))
        raise


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
