"""Events of the workers of a Ray cluster, on their way to the driver."""

from __future__ import annotations

import _thread
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import StoreError
from evenhand.execution.background import repeated
from evenhand.execution.events import Mailbox, Sink

POLL_SECONDS = 0.2
ANSWER_SECONDS = 10.0


@dataclass
class RayEvents:
    """The way of events from a queue in the cluster to a sink.

    The store decides which trials have ended: where the queue was lost, and events with it,
    `catch_up` sends the events of new records.
    """

    sink: Sink
    catch_up: Callable[[], None]
    mailbox: Any = field(init=False)
    """Handle of the queue."""
    fatal: list[str] = field(default_factory=list)
    """Cause of the first fatal event, which interrupts the main thread."""
    _identity: str = ""
    _lost_events: bool = False
    _failure: Exception | None = None
    """Error of the sink, which ends the run."""

    def __post_init__(self) -> None:
        self.mailbox = _mailbox()

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
            if self._failure is None:
                self._hand_on()

    def _hand_on(self) -> None:
        """Pass on the events of the queue, or those of new records where it does not answer."""
        import ray

        try:
            identity, events = ray.get(self.mailbox.take.remote(), timeout=ANSWER_SECONDS)
        except ray.exceptions.RayError:
            # It does not answer, or it starts again; both lose events.
            self._lost_events = True
            return
        self._lost_events |= self._identity not in ("", identity)
        self._identity = identity
        for event in events:
            if event.kind == "fatal" and not self.fatal:
                self.fatal.append(event.cause)
                _thread.interrupt_main()
            self.sink(event)
        if self._lost_events:
            self._lost_events = False
            with contextlib.suppress(StoreError):
                self.catch_up()


def _mailbox() -> Any:
    """The queue of events, on the driver's node: the loss of any other node leaves it alone.

    It starts again where its process was killed, and the events of that moment are lost.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    return (
        ray.remote(Mailbox)
        .options(
            num_cpus=0,
            max_restarts=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
        )
        .remote()
    )
