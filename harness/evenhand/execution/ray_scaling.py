"""Demand of a run, which the autoscaler of a cluster meets with new nodes.

A trial waits for nodes that have been checked, by the label of each of them. No new node can have
such a label, so that an autoscaler adds none for a waiting trial. The run therefore requests room
for its trials by itself, and less of it as they end. A cluster without an autoscaler ignores this.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from evenhand.execution import events
from evenhand.execution.background import repeated
from evenhand.execution.node_places import TYPE_RESOURCE, Node
from evenhand.execution.placing import Placing
from evenhand.execution.ray_nodes import Nodes

REQUEST_SECONDS = 15.0
"""Time between two requests, in which an autoscaler decides on the first of them."""
MOST = 1_000
"""Largest number of processes that a run requests room for."""
TYPE_PART = 0.001
"""Part of Ray's resource for a type of GPUs, of which each node has one, in a request."""

Bundle = dict[str, float]


class Mailbox(events.Mailbox):
    """Queue of events in a cluster, which also requests room from the autoscaler there."""

    def request(self, bundles: list[Bundle]) -> None:
        """Request room for processes, in place of the last request."""
        from ray.autoscaler.sdk import request_resources

        request_resources(bundles=bundles)


@dataclass
class Demand:
    """Demand of the packs of a round that have not ended."""

    mailbox: Any
    """Handle of a `Mailbox`."""
    placing: Placing
    nodes: Nodes
    most: int = MOST
    """Largest number of processes to request room for."""
    _there: frozenset[str] = frozenset()
    """Identities of the nodes of the last look."""
    _extra: int = 0
    """Number of processes more for which the last request was."""
    _was_sent: bool = False
    """Whether there is a request to withdraw, which may else be that of another run."""
    _is_over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def requested(self) -> Iterator[None]:
        """Request room as long as a `with` block lasts."""

        def look() -> None:
            with contextlib.suppress(Exception):
                # The cluster may be gone for a while: the next look finds it again.
                self._request(self.bundles())

        try:
            # A look takes long where the head does not answer.
            with repeated(look, REQUEST_SECONDS, is_joined=False):
                yield
        finally:
            # An error here would replace the interrupt that ends the block.
            with contextlib.suppress(Exception):
                self._request([], is_last=True)

    def bundles(self) -> list[Bundle]:
        """Resources of each process to request room for.

        An autoscaler counts what all nodes have, with those that are left out. These are therefore
        filled by the request, too, where it is for more than the nodes that train.
        """
        needed = self.placing.bundles(self.nodes.there, self.most)
        nodes, left_out = self.nodes.standing()
        fitting, others = self._fitted(needed, nodes)
        names = frozenset(node.identity for node in nodes)
        others = others[: self.growth(len(others), names)]
        if not others:
            return fitting
        filling, _ = self._fitted([others[0]] * MOST, left_out)
        types = self.nodes.accelerators[:1]
        return fitting + filling + [bundle | self._type(*types) for bundle in others]

    def growth(self, room: int, names: frozenset[str]) -> int:
        """Number of processes to request room for beyond the nodes there, of `room` that wait.

        An autoscaler adds nothing where its limits do not allow the whole request. A request that
        has added no node is therefore followed by one with half as many processes more, down to
        one, and then by the largest again.
        """
        is_anew = names != self._there or self._extra <= 1
        self._there = names
        self._extra = room if is_anew else min(room, self._extra // 2)
        return self._extra

    def _fitted(
        self, bundles: Sequence[Bundle], nodes: Sequence[Node]
    ) -> tuple[list[Bundle], list[Bundle]]:
        """The bundles that fit on nodes at a time, with the type of the node of each; the others.

        The largest are placed first.
        """
        free = [({"CPU": node.cpus, "GPU": node.gpus}, node.accelerator) for node in nodes]
        fitting, others = [], []
        for bundle in sorted(bundles, key=lambda each: -each.get("GPU", 0.0)):
            for room, name in free:
                if all(room[what] >= amount for what, amount in bundle.items()):
                    for what, amount in bundle.items():
                        room[what] -= amount
                    fitting.append(bundle | self._type(name))
                    break
            else:
                others.append(bundle)
        return fitting, others

    def _type(self, name: str = "") -> Bundle:
        """The request for a type of GPUs, where the run is for some types only."""
        if not self.nodes.accelerators:
            return {}
        known = [node.accelerator for node in self.nodes.usable.values()]
        # Ray tells upper from lower case, and a user need not.
        spelled = next((each for each in known if each.casefold() == name.casefold()), name)
        return {f"{TYPE_RESOURCE}{spelled}": TYPE_PART}

    def _request(self, bundles: list[Bundle], *, is_last: bool = False) -> None:
        with self._lock:
            # A look that goes on must not request room after the end.
            if not self._is_over and (bundles or self._was_sent):
                # Sent at each look, because another run or a head that starts again replaces it.
                # Nothing waits for the answer.
                self.mailbox.request.remote(bundles)
                self._was_sent = True
            self._is_over |= is_last
