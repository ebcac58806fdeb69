"""Placement of trials by Ray Tune, which asks for the resources of each when it makes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.execution.node_places import Node
from evenhand.execution.placing import Placing
from evenhand.execution.provenance import gpu
from evenhand.execution.ray_nodes import Nodes

NODE_LABEL = "ray.io/node-id"


@dataclass(frozen=True)
class Placement:
    """Placement of the trials of a run on the nodes that may train."""

    placing: Placing
    nodes: Nodes | None
    """Nodes of a cluster; None for a Ray on this machine alone."""
    here: tuple[Node, ...] = ()
    """The node of a Ray on this machine alone."""

    @property
    def there(self) -> Sequence[Node]:
        """The nodes that may train as far as is known now."""
        return self.here if self.nodes is None else self.nodes.there

    def request(self, index: int) -> Any:
        """The placement group of a pack, on a node that may train."""
        from ray import tune

        place = self.placing.place(index, self.there)
        bundles = [dict(place.bundle)]
        if self.nodes is None:
            return tune.PlacementGroupFactory(bundles)
        self.nodes.offered.add((place.nodes, "GPU" in place.bundle))
        # Ray refuses a list without a name. No node has this one, so that the trial waits.
        names = sorted(place.nodes) or ["none"]
        selector = {NODE_LABEL: f"in({','.join(names)})"}
        return tune.PlacementGroupFactory(bundles, bundle_label_selector=[selector])

    @property
    def is_stuck(self) -> bool:
        """Whether trials wait for nodes that were all lost, and no other trial runs."""
        nodes = self.nodes
        return nodes is not None and nodes.are_replaced and not self._runs_on(nodes.alive)

    def _runs_on(self, alive: set[str]) -> bool:
        """Whether a trial runs on a place of which a node is alive."""
        assigned = [*self.placing.assigned.values()]
        return any(a.started is not None and a.place.nodes & alive for a in assigned)


_placed_by: list[Placement] = []
"""The placement of the run in progress, if any: Tune copies the function that places trials."""


@contextlib.contextmanager
def placed(placement: Placement) -> Iterator[None]:
    """Place trials within a `with` block."""
    _placed_by.append(placement)
    try:
        yield
    finally:
        _placed_by.remove(placement)


def place(config: dict[str, Any]) -> Any:
    """The placement group of the trial that Tune makes now."""
    return _placed_by[-1].request(config["index"])


def free(index: int) -> None:
    """Note that a pack does not run again in this round, although not all trials have ended."""
    for placement in _placed_by[-1:]:
        placement.placing.end(index)


def is_stuck() -> bool:
    """Whether trials of the run in progress wait for nodes that were all lost."""
    return bool(_placed_by) and _placed_by[-1].is_stuck


def node_here() -> tuple[Node, ...]:
    """The node of a Ray on this machine alone."""
    import ray

    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return tuple(Node.of(node, gpu()) for node in nodes if node["Alive"])
