"""Demand of a run, which the autoscaler of a cluster meets with new nodes.

A trial waits for nodes that have been checked, by the label of each of them. No new node can have
such a label, so that an autoscaler adds none for a waiting trial. The run therefore requests room
for its trials by itself, and less of it as they end. A cluster without an autoscaler ignores this.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from evenhand.execution import events
from evenhand.execution.background import repeated
from evenhand.execution.events import Event
from evenhand.execution.ray_cluster import node_resources
from evenhand.execution.resources import Resources, count_slots

REQUEST_SECONDS = 15.0
"""Time between two requests, in which an autoscaler decides on the first of them."""
MOST = 1_000
"""Largest number of processes that a run requests room for."""


class Mailbox(events.Mailbox):
    """Queue of events in a cluster, which also requests room from the autoscaler there."""

    def request(self, bundle: dict[str, float], n: int) -> None:
        """Request room for n processes, in place of the last request."""
        from ray.autoscaler.sdk import request_resources

        request_resources(bundles=[bundle] * n)


@dataclass
class Demand:
    """Demand of the trials of a round that have not ended."""

    mailbox: Any
    """Handle of a `Mailbox`."""
    taken: Resources
    """Resources of a process."""
    pack: int
    """Number of trials in a process."""
    left: int
    """Number of trials that have not ended."""
    most: int = MOST
    """Largest number of processes to request room for."""
    _capacity: int = 0
    """Number of processes that run at a time on the nodes of the last look."""
    _extra: int = 0
    """Number of processes more for which the last request was."""
    _requested: int = 0
    _is_over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def see(self, event: Event) -> None:
        """Count the end of a trial."""
        self.left -= event.kind in ("ended", "left", "held")

    @contextlib.contextmanager
    def requested(self) -> Iterator[None]:
        """Request room as long as a `with` block lasts."""

        def look() -> None:
            with contextlib.suppress(Exception):
                # The cluster may be gone for a while: the next look finds it again.
                self._request(self.wanted(count_slots(self.taken, node_resources())))

        try:
            # A look takes long where the head does not answer.
            with repeated(look, REQUEST_SECONDS, is_joined=False):
                yield
        finally:
            self._request(0, is_last=True)

    def wanted(self, capacity: int) -> int:
        """Number of processes to request room for, on nodes that now run `capacity` of them.

        An autoscaler adds nothing where its limits do not allow the whole request. A request that
        has added no node is therefore followed by one with half as many processes more, down to
        one, and then by the largest again.
        """
        needed = min(self.most, math.ceil(max(0, self.left) / self.pack))
        room = max(0, needed - capacity)
        is_anew = capacity != self._capacity or self._extra <= 1
        self._capacity = capacity
        self._extra = room if is_anew else min(room, self._extra // 2)
        return min(needed, capacity + self._extra)

    def _request(self, n: int, *, is_last: bool = False) -> None:
        bundle = {"CPU": self.taken.cpus, "GPU": self.taken.gpus or 0.0}
        with self._lock:
            # A look that goes on must not request room after the end.
            if n != self._requested and not self._is_over:
                # Nothing waits for the answer: the next request replaces one that was lost.
                self.mailbox.request.remote({k: v for k, v in bundle.items() if v}, n)
                self._requested = n
            self._is_over |= is_last
