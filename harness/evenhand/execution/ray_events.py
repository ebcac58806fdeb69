"""Events of the workers of a Ray cluster, on their way to the driver."""

from __future__ import annotations

import _thread
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import StoreError
from evenhand.execution.background import repeated
from evenhand.execution.events import Event, Sink
from evenhand.execution.ray_cluster import start_beside
from evenhand.execution.ray_scaling import Mailbox

POLL_SECONDS = 0.2
ANSWER_SECONDS = 10.0
"""Time for which an answer of the queue is waited for."""
HASTY_SECONDS = 1.0
"""The same where the run is being stopped."""
LOOK_SECONDS = 1.0
"""Time between two looks of a worker for a stop."""


@dataclass
class RayEvents:
    """The way of events from a queue in the cluster to a sink.

    The store decides which trials have ended: where the queue was lost, and events with it,
    `catch_up` sends the events of new records.
    """

    sink: Sink
    catch_up: Callable[[], None]
    mailbox: Any
    """Handle of the queue."""
    running: set[str] = field(default_factory=set)
    """Keys of the trials that have started and not ended."""
    fatal: list[str] = field(default_factory=list)
    """Cause of the first fatal event, which interrupts the main thread while the round runs."""
    _notes: set[str] = field(default_factory=set)
    """Notes of this round: many processes of a node send the same."""
    _patience: float = ANSWER_SECONDS
    _identity: str = ""
    _lost_events: bool = False
    _is_over: bool = False
    """Whether the round has ended, so that there is nothing to interrupt."""
    _failure: Exception | None = None
    """Error of the sink, which ends the run."""

    @contextlib.contextmanager
    def relayed(self) -> Iterator[list[str]]:
        """Pass on events within a `with` block; the list receives the cause of a fatal event."""

        def pump() -> None:
            if self._failure is not None:
                return
            try:
                self._hand_on()
            except Exception as error:
                # Else no event would follow, and nobody would know.
                self._failure = error
                _thread.interrupt_main()

        try:
            with repeated(pump, POLL_SECONDS):
                yield self.fatal
        except KeyboardInterrupt:
            if self._failure is not None:
                raise self._failure from None
            if not self.fatal:
                raise
        finally:
            self._is_over = True
            if self._failure is None:
                self._hand_on()

    def stop_trials(self, seconds: float, is_connected: Callable[[], bool]) -> None:
        """Let the running trials save their states and end, for at most a number of seconds."""
        until, self._patience = time.monotonic() + seconds, HASTY_SECONDS
        while is_connected() and self._failure is None and time.monotonic() < until:
            # Again and again: a queue that has started again has forgotten it.
            self.mailbox.stop.remote()
            time.sleep(2 * POLL_SECONDS)
            if not self.running:
                return

    def _hand_on(self) -> None:
        """Pass on the events of the queue, or those of new records where it does not answer."""
        import ray

        answer, asked = self.mailbox.take.remote(), time.monotonic()
        # A stop of the run shortens a wait that has begun.
        while not ray.wait([answer], timeout=POLL_SECONDS)[0]:
            if time.monotonic() - asked > self._patience:
                self._lost_events = True
                return
        try:
            identity, events = ray.get(answer)
        except ray.exceptions.RayError:
            # It starts again, without its events.
            self._lost_events = True
            return
        self._lost_events |= self._identity not in ("", identity)
        self._identity = identity
        for event in events:
            if event.kind == "fatal" and not self.fatal:
                self.fatal.append(event.cause)
                if not self._is_over:
                    _thread.interrupt_main()
            self._count(event)
            if event.kind != "note" or event.cause not in self._notes:
                self.sink(event)
            if event.kind == "note":
                self._notes.add(event.cause)
        if self._lost_events:
            self._lost_events = False
            with contextlib.suppress(StoreError):
                self.catch_up()

    def _count(self, event: Event) -> None:
        if event.kind == "started":
            self.running.add(event.key)
        elif event.kind in ("ended", "left", "held", "again"):
            self.running.discard(event.key)


@contextlib.contextmanager
def stop_of(mailbox: Any) -> Iterator[threading.Event]:
    """An event that is set in a `with` block of a worker soon after the driver has stopped trials.

    A queue that does not answer stops nothing.
    """
    import ray

    stop = threading.Event()

    def look() -> None:
        with contextlib.suppress(ray.exceptions.RayError):
            if ray.get(mailbox.is_stopped.remote(), timeout=ANSWER_SECONDS):
                stop.set()

    # Many trials are shorter than the answer of the queue.
    with repeated(look, LOOK_SECONDS, is_joined=False):
        yield stop


def start_mailbox() -> Any:
    """Start the queue of events, on the driver's node: the loss of any other node leaves it alone.

    It starts again where its process was killed, and the events of that moment are lost.
    """
    return start_beside(Mailbox, max_restarts=-1)
