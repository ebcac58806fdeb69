"""Rounds of a run: a runner is called until each trial has a record or no attempt left.

A runner may return early, because Ray ends the whole experiment when its memory monitor kills one
worker. Attempts are counted by trial, in its lease, so that one trial cannot end the others. The
trial whose worker was killed runs once more at the end, with a whole node to itself.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from evenhand.declared.record import Exit
from evenhand.declared.trial import Trial
from evenhand.errors import EndedEarly, StoreError
from evenhand.execution.claims import LOST, MAX_LOST_NODES, MAX_STARTS, UNSEEN, Claimant
from evenhand.execution.events import Event, Sink, ended_event, trial_label
from evenhand.execution.execute import STOPPED, Execution, empty_record
from evenhand.execution.saving import write_record
from evenhand.execution.tracker import RunTracker
from evenhand.execution.usage import Used, charged
from evenhand.store import Store
from evenhand.store.leases import BEAT_SECONDS, Lease, LeaseWatch

Runner = Callable[[Sequence[Trial], Execution, Store, Sink], None]
LOOK_SECONDS = 1.0
"""Time between two looks at trials that another run trains."""
IN_VAIN = 3
"""Rounds in a row that may end early without a new record, or without a start of a trial."""

NOTHING = (
    f"{IN_VAIN} rounds in a row ended without an error, and no trial was started or had ended\n"
    "  see the notes of this run and, on a cluster, whether its nodes stay (`ray status`);\n"
    "  rerun the same command to resume"
)
"""What happened where no trial was started in several rounds, and what to do."""


class OutOfMemory(EndedEarly):
    """Ray's memory monitor killed a worker, and with it the round."""

    def __init__(self, message: str, *, actor: str, memory: str) -> None:
        super().__init__(message)
        self.actor = actor
        """Identity of the killed Ray actor; empty where it is not known."""
        self.memory = memory
        """Memory in use of the memory of the node."""


@dataclass
class Rounds:
    """The rounds of one generation of trials."""

    execution: Execution
    store: Store
    tracker: RunTracker
    runner: Runner
    greedy: dict[str, Trial] = field(default_factory=dict)
    """Trials that run once more with a whole node to themselves, by key."""
    tried: set[str] = field(default_factory=set)
    """Keys of trials that have had a whole node."""
    watch: LeaseWatch = field(default_factory=LeaseWatch)
    in_vain: int = 0
    known: dict[str, int] = field(default_factory=dict)
    """Generation by key of the leases that the processes of the last round have left."""

    def run(self, missing: Sequence[Trial]) -> None:
        """Run trials until each has a record.

        Raises `EndedEarly` where the runner ended early without starting a trial or, several times
        in a row, without a new record, or ended several times in a row and nothing had happened to
        a trial, and `KeyboardInterrupt` after the records of the running trials say "interrupted".
        """
        missing = list(missing)
        try:
            while missing or self.greedy:
                batch, claimant = self._free(missing)
                whole_node = not missing
                if whole_node:
                    key, trial = self.greedy.popitem()
                    self.tried.add(key)
                    batch = missing = [trial]
                if batch:
                    self.execution = replace(self.execution, claimant=claimant)
                    self._round(batch, replace(self.execution, whole_node=whole_node))
                else:
                    self._leave_late(missing)
                    # Each look takes a request for each lease there.
                    time.sleep(BEAT_SECONDS if self.store.is_remote else LOOK_SECONDS)
                missing = [t for t in self._left(missing) if t.key not in self.greedy]
                # One that has not ended with a whole node, which was lost, may have another one.
                self.tried.difference_update(trial.key for trial in missing)
        except KeyboardInterrupt:
            self.store.hurry()
            try:
                self._mark_interrupted(missing)
            except (StoreError, OSError) as error:
                # The user's stop is the end of the run, also where the store is away.
                self.tracker(Event("note", cause=str(error)))
            raise
        finally:
            with suppress(StoreError, OSError):
                self._release(self._own_leases().values())

    def _round(self, batch: list[Trial], execution: Execution) -> None:
        """Call the runner once, and note what became of the trials without a record."""
        started, seen = self.tracker.starts.total(), self.tracker.seen
        execution = replace(execution, whole_gpu=frozenset(self.tracker.again))
        execution = replace(execution, spent=dict(self.tracker.spent))
        before, early = set(self.tracker.over), None
        try:
            self.runner(batch, execution, self.store, self.tracker)
        except EndedEarly as error:
            if self.tracker.starts.total() == started and not isinstance(error, OutOfMemory):
                raise
            early = error
        left = self._left(batch)
        leases = self._own_leases()
        if early is None:
            self._give_up_lost(left, leases)
            # The events of a process may be lost with it: its lease is then the only trace.
            known = {key: lease.generation for key, lease in leases.items()}
            advanced = self.tracker.seen > seen or bool(known.items() - self.known.items())
        else:
            known, aside = {}, self._set_aside(left, leases, early)
            advanced = aside or len(self.tracker.over) > len(before)
        self.known = known
        self.in_vain = 0 if advanced else self.in_vain + 1
        # One trial of a lost pack may have ended the others: from now on each has its own process.
        together = {trial.key for trial in left if self.tracker.starts[trial.key]}
        self.execution = replace(self.execution, alone=self.execution.alone | together)
        if self.in_vain >= IN_VAIN:
            n = "1 trial" if len(left) == 1 else f"{len(left)} trials"
            raise EndedEarly(f"{n} did not run: {early or NOTHING}")

    def _set_aside(
        self, left: Sequence[Trial], leases: Mapping[str, Lease], early: EndedEarly
    ) -> bool:
        """Set aside the trial that ended the round early; whether one was found.

        The processes of all others were ended with the round: that start does not count.
        """
        running = [trial for trial in left if trial.key in self.tracker.running]
        found = []
        if isinstance(early, OutOfMemory):
            found = [t for t in running if t.key in leases and leases[t.key].actor == early.actor]
            found = found or running
            for trial in found:
                if trial.key in self.tried:
                    cause = "ran out of memory, with a whole node to itself"
                    cause += f" ({early.memory})" if early.memory else ""
                    end = Exit(status="failed", cause=cause)
                    self._write(trial, end, leases.get(trial.key))
                else:
                    text = "ran out of memory; it runs again at the end, alone on a node"
                    self.tracker(Event("note", cause=f"{self._label(trial)} {text}"))
                    self.greedy[trial.key] = trial
        self._release(leases.values())
        for trial in running:
            self.tracker.forget(trial.key)
        return bool(found)

    def _leave_late(self, missing: Sequence[Trial]) -> None:
        """Leave the trials that another run trains and that this one would not start any more."""
        now, latest = time.time(), self.execution.latest
        for trial in missing:
            if now > latest.get(trial.key, math.inf):
                self.tracker(Event("left", trial.key, self._label(trial)))

    def _give_up_lost(self, left: Sequence[Trial], leases: Mapping[str, Lease]) -> None:
        """Write the records of trials that have no attempt left."""
        for trial in left:
            lease = leases.get(trial.key)
            starts = lease.starts if lease else self.tracker.starts[trial.key]
            if starts >= MAX_STARTS:
                self._write(trial, Exit(status="failed", cause=LOST), lease)
            elif lease and lease.lost_nodes >= MAX_LOST_NODES:
                self._write(trial, Exit(status="failed", cause=UNSEEN), lease)

    def _free(self, missing: Sequence[Trial]) -> tuple[list[Trial], Claimant]:
        """The trials that no other run trains, and a claimant for stale leases."""
        keys, attempts = {trial.key for trial in missing}, self.execution.attempts
        other = [
            lease
            for key, lease in self.store.leases.all().items()
            if key in keys
            and lease.run != self.execution.claimant.run
            and not lease.is_over(attempts.get(key, 0))
        ]
        stale = {lease.key: lease.generation for lease in self.watch.stale(other)}
        held = {lease.key: lease.holder for lease in other if lease.key not in stale}
        self.tracker.note_held(held)
        free = [trial for trial in missing if trial.key not in held]
        return free, replace(self.execution.claimant, stale=stale)

    def _left(self, trials: Sequence[Trial], *, also_interrupted: bool = True) -> list[Trial]:
        """The trials without a new record; an event is sent for each record that has had none.

        also_interrupted: with the trials whose record has the status "interrupted".
        """
        heads, before = self.store.heads(), self.execution.attempts
        left = [
            trial
            for trial in trials
            if (head := heads.get(trial.key)) is None
            or head.attempts <= before.get(trial.key, 0)
            or (also_interrupted and head.status == "interrupted")
        ]
        without = {trial.key for trial in left} | self.tracker.over
        unseen = [trial.key for trial in trials if trial.key not in without]
        for record in self.store.records(unseen):
            self.tracker(ended_event(record))
        # Those that have ended and have no record could not write it.
        ended = self.tracker.left | self.tracker.over
        return [trial for trial in left if trial.key not in ended]

    def _mark_interrupted(self, trials: Sequence[Trial]) -> None:
        """Write a record with the status "interrupted" for every trial that was running.

        A trial that ended while the run was being stopped keeps the record of its own process.
        """
        running = [trial for trial in trials if trial.key in self.tracker.running]
        leases = self._own_leases() if running else {}
        for trial in self._left(running, also_interrupted=False):
            end = Exit(status="interrupted", cause=STOPPED)
            self._write(trial, end, leases.get(trial.key))

    def _own_leases(self) -> dict[str, Lease]:
        """The leases that processes of this run have left."""
        return self.store.leases.of_run(self.execution.claimant.run)

    def _release(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self.store.leases.release(lease)

    def _label(self, trial: Trial) -> str:
        return self.tracker.labels.get(trial.key) or trial_label(trial)

    def _write(self, trial: Trial, end: Exit, lease: Lease | None = None) -> None:
        granted = self.execution.granted.among(self.execution.pack)
        used = granted.used_of(lease) if lease else self.tracker.spent.get(trial.key, Used())
        record = empty_record(trial, self.execution, end)
        record = charged(record, used, granted, self.store)
        record = write_record(record, {}, self.store, self.tracker)
        self.tracker(ended_event(record))
