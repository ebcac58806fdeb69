"""Claims of trials: a trial is trained by the one process that holds its lease."""

from __future__ import annotations

import contextlib
import getpass
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

from evenhand.declared.record import Exit
from evenhand.execution.background import repeated
from evenhand.execution.events import Event, Sink
from evenhand.execution.meter import meter
from evenhand.execution.usage import Granted, Used
from evenhand.store.activity import Activity, read_activity
from evenhand.store.leases import BEAT_SECONDS, Lease, LeaseLostError, Leases
from evenhand.store.process import Process

MAX_STARTS = 3
"""Starts of a trial without progress after which it is given up."""
MAX_LOST_NODES = 10
"""Nodes that may be lost under a trial that made no progress."""
LOST = "its process ended without a record: it was killed, ran out of memory or crashed"
UNSEEN = f"{MAX_LOST_NODES} nodes were lost while it ran, before it had saved its state once"


def user_name() -> str:
    """Name of the user; empty where the system has none for its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def _nowhere_lost(_: str) -> bool:
    return False


def _never_hung() -> bool:
    return False


@dataclass(frozen=True)
class Claimant:
    """Who claims trials: a run, and the process in which it trains them."""

    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Identity of the run, the same in all of its processes."""
    user: str = field(default_factory=user_name)
    stale: Mapping[str, int] = field(default_factory=dict)
    """Generation by key of the leases of other runs that this run has found to be stale."""
    node: str = ""
    """Identity of the Ray node; empty without Ray."""
    actor: str = ""
    """Identity of the Ray actor; empty without Ray."""
    is_lost: Callable[[str], bool] = _nowhere_lost
    """Whether a Ray node is lost."""
    is_hung: Callable[[], bool] = _never_hung
    """Whether this process makes no progress, so that another one may take its trials over."""
    hang: str = ""
    """Name of this process's file for the stack of a hang; empty where it has none."""

    def may_take_over(self, lease: Lease) -> bool:
        """Whether the process that holds a lease is known to train no more."""
        is_own = lease.run == self.run
        return (
            is_own or lease.process.is_known_dead or (self.stale.get(lease.key) == lease.generation)
        )

    def lease(self, key: str, attempt: int = 0) -> Lease:
        """A lease of this process, with what its meter read for an earlier trial."""
        known = meter().latest
        return Lease(
            key=key,
            attempt=attempt,
            run=self.run,
            user=self.user,
            process=Process.this(),
            node=self.node,
            actor=self.actor,
            hang=self.hang,
            activity=read_activity(known) if known else None,
        )


@dataclass
class Claim:
    """A lease that this process holds, and the thread that counts its beats."""

    leases: Leases
    lease: Lease
    is_hung: Callable[[], bool] = _never_hung
    """Whether this process makes no progress: its beats then stand still."""
    granted: Granted = field(default_factory=Granted)
    """GPUs and CPU cores that this process grants to the trial."""
    _before: Used = field(default_factory=Used)
    """What earlier processes of this attempt have used, which ended without a record."""
    _began: float = field(default_factory=time.monotonic)
    _lost: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _progress: Event = field(default_factory=lambda: Event("started"))

    def see(self, event: Event) -> None:
        """Note the epochs of the trial's latest event, which the next beat writes."""
        if event.epochs is not None:
            self._progress = event

    def seeing(self, sink: Sink) -> Sink:
        """The sink, behind one that notes the epochs of the trial's events."""

        def see(event: Event) -> None:
            self.see(event)
            sink(event)

        return see

    def is_set(self) -> bool:
        """Whether the trial is to stop, because another process has taken it over."""
        return self._lost.is_set()

    def advanced(self) -> None:
        """Note that the trial has saved its state: its starts so far were not in vain."""
        self._beat(starts=0, lost_nodes=0)

    def begin(self, attempt: int) -> None:
        """Note that the lease is held for a later attempt than was expected."""
        # The record of the attempt before this one holds the time of its processes.
        self._before = Used()
        self._beat(attempt=attempt)

    @property
    def used(self) -> Used:
        """What the processes of this attempt have used while they held the lease."""
        return self._before + self.granted.over(time.monotonic() - self._began)

    def check(self) -> None:
        """Raise `LeaseLostError` where another process has taken the trial over."""
        with self._lock:
            if self._lost.is_set() or not self.leases.is_held(self.lease):
                self._lost.set()
                raise LeaseLostError(f"{self.lease.key}: another process has taken it over")

    def _beat(self, **changes: int) -> None:
        with self._lock:
            if self._lost.is_set():
                return
            try:
                update = {**asdict(self.used), **changes}
                self.lease = self.leases.beat(self.lease.model_copy(update=update))
            except LeaseLostError:
                self._lost.set()

    def _show_life(self) -> None:
        """Count the beats up, unless the process hangs."""
        if not self.is_hung():
            # Outside the lock, for which the trial may wait.
            activity = self._activity()
            with self._lock:
                self.lease = self.lease.model_copy(update={"activity": activity})
            self._beat()

    def _activity(self) -> Activity | None:
        try:
            return Activity(
                epoch=self._progress.epoch or 0,
                epochs=self._progress.epochs or 0,
                resumed=self._progress.resumed or 0,
                seconds=round(time.monotonic() - self._began, 1),
                **meter().usage(),
            )
        except Exception:
            # Whatever a broken driver raises: without beats another run would take the trial over.
            return None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Count the beats within a `with` block, and give the lease back after it."""
        try:
            with repeated(self._show_life, BEAT_SECONDS):
                yield
        finally:
            if not self._lost.is_set():
                self.leases.release(self.lease)


def next_start(lease: Lease, before: Lease, *, node_is_lost: bool) -> Lease:
    """The lease for another start of a trial whose last process ended without a record.

    The start does not count against the trial where its node was lost.
    """
    update = {
        "starts": before.starts + (not node_is_lost),
        "lost_nodes": before.lost_nodes + node_is_lost,
    }
    return lease.model_copy(update=update)


@dataclass(frozen=True)
class Refusal:
    """A trial that this process does not train."""

    lease: Lease
    """Lease of another run, or the one that is left of the last attempt."""
    end: Exit | None = None
    """End of the trial where it is given up; None where another run trains it."""


def claim(
    key: str,
    claimant: Claimant,
    leases: Leases,
    *,
    attempts: int = 0,
    granted: Granted | None = None,
    spent: Used | None = None,
) -> Claim | Refusal:
    """Claim a trial for this process.

    attempts: attempts of the record that the trial has; 0 without one. granted: GPUs and CPU cores
    of the trial. spent: what this attempt has used so far, where no lease of it is left.
    """
    granted, used = granted or Granted(), spent or Used()
    before, lease = leases.of(key), claimant.lease(key, attempts + 1)
    if before is not None and not before.is_over(attempts):
        if not claimant.may_take_over(before):
            return Refusal(before)
        lease = next_start(lease, before, node_is_lost=claimant.is_lost(before.node))
        used = granted.used_of(before)
        end = _given_up(lease, leases.hang(before))
        if end is not None:
            return Refusal(before, end)
    lease = lease.model_copy(update=asdict(granted) | asdict(used))
    taken = leases.take(lease, over=before)
    if taken is None:
        return Refusal(leases.of(key) or lease)
    return Claim(leases, taken, claimant.is_hung, granted, used)


def _given_up(lease: Lease, hung: str) -> Exit | None:
    """The end of a trial that is not started again; None where it is.

    hung: the stack of its last process, where that held the interpreter's lock.
    """
    if hung:
        cause = "hung: it held the interpreter's lock (GIL) and made no progress"
        return Exit(status="failed", cause=cause, traceback=hung)
    if lease.starts > MAX_STARTS:
        return Exit(status="failed", cause=LOST)
    if lease.lost_nodes > MAX_LOST_NODES:
        return Exit(status="failed", cause=UNSEEN)
    return None


@dataclass(frozen=True)
class StopSigns:
    """A sign to stop that is set where the run is stopped, or another process has taken over."""

    stop: threading.Event | None
    claim: Claim | None

    def is_set(self) -> bool:
        is_stopped = self.stop is not None and self.stop.is_set()
        return is_stopped or (self.claim is not None and self.claim.is_set())
