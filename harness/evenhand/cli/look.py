"""One look at a suite that may be running anywhere: what `evenhand status` shows of it.

A look reads the store alone, without Ray and without torch. It compares no clocks of machines:
ages come from the leases, and what stands still is measured by the clock of this process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from evenhand.cli.running import running
from evenhand.execution.forecast import UNKNOWN, Bounds, Forecast, Left, sizes
from evenhand.execution.plan import Plan, make_plan
from evenhand.execution.schedule import finished_seconds, generations_of
from evenhand.execution.throughput import trials_per_hour
from evenhand.store.activity import Activity
from evenhand.store.leases import LeaseWatch

if TYPE_CHECKING:
    from evenhand.declared.trial import Trial
    from evenhand.store import Store
    from evenhand.store.leases import Lease
    from evenhand.suite.resolve import Suite


@dataclass(frozen=True)
class RowCount:
    """Numbers of trials of one row of the suite, over all problems."""

    row: str
    trials: int
    done: int
    failed: int
    running: int

    @property
    def missing(self) -> int:
        """Trials that neither are done nor have failed, those that run included."""
        return self.trials - self.done - self.failed


@dataclass(frozen=True)
class Node:
    """A machine on which trials are trained, by the last beats of their leases."""

    host: str
    trials: int
    devices: tuple[str, ...] = ()
    """Models of its GPUs in use, or of its CPU."""
    gpus: tuple[Activity, ...] = ()
    """The latest reading of each GPU."""
    cpu_cores: float | None = None
    """CPU cores that the processes keep busy; None before their first beat."""
    memory_gib: float | None = None
    """Resident memory of the processes."""


@dataclass(frozen=True)
class Look:
    """The state of a suite at one moment."""

    plan: Plan
    causes: Mapping[str, list[str]]
    """Names of the failed trials by the cause of the failure."""
    leases: Mapping[str, Lease] = field(default_factory=dict)
    """Leases of the trials that are being trained, by key."""
    silent: frozenset[str] = frozenset()
    """Keys of leases whose process has ended, or gives no sign of life."""
    per_hour: float | None = None
    """Trials that end in an hour; None while less than two have ended, or none is trained."""
    slots: int = 1
    """Trials that run at a time: the most of this look and of the one before."""

    @cached_property
    def live(self) -> dict[str, Lease]:
        """The leases whose processes give signs of life, as far as this is known."""
        return {key: lease for key, lease in self.leases.items() if key not in self.silent}

    @property
    def is_over(self) -> bool:
        """Whether every trial is done, has failed or is blocked, and none is trained again."""
        return not (self.plan.missing or self.live)

    @property
    def went_wrong(self) -> bool:
        """Whether trials have failed or are blocked."""
        return bool(self.plan.failed or self.plan.blocked)

    @cached_property
    def left(self) -> Bounds:
        """Bounds of the time that is left; `UNKNOWN` where no trial is trained."""
        if not self.live:
            return UNKNOWN
        live = self.live
        again = [trial for trial in self.plan.failed if trial.key in live]
        trials = (*self.plan.missing, *again)
        age = generations_of(trials)
        left = [_left(trial, age[trial.key], live.get(trial.key)) for trial in trials]
        finished = finished_seconds(self.plan.heads.values())
        return Forecast(finished, self.slots, sizes(self.plan)).left(left)

    @cached_property
    def rows(self) -> list[RowCount]:
        """Numbers of trials of each row, in the order of the suite."""
        done, failed = {t.key for t in self.plan.done}, {t.key for t in self.plan.failed}
        keys: dict[str, set[str]] = {row: set() for row in self.plan.suite.rows}
        for configuration in self.plan.suite.configurations:
            keys[configuration.row].update(t.key for t in configuration.trials)
        live = self.live.keys()
        return [
            RowCount(row, len(of), len(of & done), len(of & failed), len(of & live))
            for row, of in keys.items()
        ]

    @cached_property
    def nodes(self) -> list[Node]:
        """The machines on which trials are trained, by name."""
        by_host: dict[str, list[Lease]] = {}
        for lease in self.live.values():
            by_host.setdefault(lease.process.host or "unknown", []).append(lease)
        return [_node(host, leases) for host, leases in sorted(by_host.items())]


def _left(trial: Trial, generation: int, lease: Lease | None) -> Left:
    kind = (trial.method.name, trial.workload)
    if lease is None:
        return Left(kind, generation)
    told = lease.activity or Activity()
    return Left(
        kind,
        generation,
        is_running=True,
        share=min(1.0, told.epoch / told.epochs) if told.epochs else 0.0,
        resumed=told.resumed / told.epochs if told.epochs else 0.0,
        seconds=told.seconds,
    )


def _node(host: str, leases: Iterable[Lease]) -> Node:
    """A machine by its leases; trials that share a process, or a GPU, have one reading of it."""
    held = list(leases)
    told = [lease for lease in held if lease.activity is not None]
    processes = {lease.process.pid: lease.activity for lease in told}
    readings = [activity for activity in processes.values() if activity is not None]
    gpus = {activity.gpu: activity for activity in readings if activity.gpu}
    return Node(
        host,
        len(held),
        devices=tuple(sorted({activity.device for activity in readings if activity.device})),
        gpus=tuple(gpus[gpu] for gpu in sorted(gpus)),
        cpu_cores=_sum(activity.cpu_cores for activity in readings),
        memory_gib=_sum(activity.memory_gib for activity in readings),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass
class Watcher:
    """A reader that looks again and again, and remembers what it need not read again."""

    suite: Suite
    store: Store
    _watch: LeaseWatch = field(default_factory=LeaseWatch)
    _causes: dict[tuple[str, int], str] = field(default_factory=dict)
    """Cause of each failure, by key and attempt."""
    _live: int = 0
    """Trials that ran at the look before."""
    _latest: float = 0.0
    """Time of the latest end, by the clock of the store."""
    _seen: float | None = None
    """When this process first saw that end, by its own clock; None where it was there before."""

    def look(self) -> Look:
        """The state of the suite now. Raises `StoreError` where the store cannot be read."""
        plan = make_plan(self.suite, self.store)
        leases = running(self.store, plan)
        silent = frozenset(lease.key for lease in self._watch.stale(leases.values()))
        # Between two trials of a process there is no lease.
        live, before = len(leases) - len(silent), self._live
        self._live = live
        # The first look has written the index; to write it every few seconds would cost more than
        # it saves.
        self.store.leave_index()
        return Look(
            plan,
            self._by_cause(plan),
            leases,
            silent,
            self._per_hour(plan) if live else None,
            max(1, live, before),
        )

    def _per_hour(self, plan: Plan) -> float | None:
        wanted = plan.labels.keys()
        ends = [at for key, at in self.store.times().items() if key in wanted]
        latest, now = max(ends, default=0.0), time.monotonic()
        if latest != self._latest:
            self._seen = now if self._latest else None
            self._latest = latest
        return trials_per_hour(ends, idle=0.0 if self._seen is None else now - self._seen)

    def _by_cause(self, plan: Plan) -> dict[str, list[str]]:
        """The failed trials by cause; only records that were not read before are read."""
        attempts = {trial.key: plan.heads[trial.key].attempts for trial in plan.failed}
        unread = [key for key, n in attempts.items() if (key, n) not in self._causes]
        for record in self.store.records(unread):
            self._causes[record.key, record.attempts] = record.exit.cause
        found: dict[str, list[str]] = {}
        for trial in plan.failed:
            cause = self._causes.get((trial.key, attempts[trial.key]), "its record was not read")
            found.setdefault(cause, []).append(plan.label(trial))
        return found
