"""Nodes of a Ray cluster: each is checked before it trains, at the start and when it joins.

A node that differs from the driver would train other records under the same keys, and one that does
not share the results folder would keep its records to itself. Such nodes are named and left out: a
trial is placed on the other nodes only, by the label `ray.io/node-id` of its placement group.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import ClusterLost, RunError
from evenhand.execution.background import repeated
from evenhand.execution.events import Event, Sink
from evenhand.execution.node_checks import Expected, Findings, check_node, differing_cuda
from evenhand.execution.node_places import Node, having_types

CHECK_SECONDS = 180.0
"""Time in which a node must answer; importing torch from a network file system takes long."""
LEAST_BYTES_PER_SECOND = 5e7
"""Rate at which a node must read its copies of data sets, beside that."""
JOIN_SECONDS = 5.0
"""Time between two looks for nodes that have joined."""
DEATH_SECONDS = 5.0
"""Time in which Ray notices that a node has died whose check ended without an answer."""


@dataclass
class Nodes:
    """The nodes of a cluster that may train, and those that are left out."""

    expected: Expected
    sink: Sink
    cpus: float = 0.0
    """CPUs of a trial."""
    accelerators: tuple[str, ...] = ()
    """Types of GPUs on whose nodes trials run; empty: any node."""
    usable: dict[str, Node] = field(default_factory=dict)
    """The nodes that may train, by identity."""
    alive: set[str] = field(default_factory=set)
    """Identities of the nodes of the cluster at the last look."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Reason by identity of the nodes that are left out."""
    lost: dict[str, str] = field(default_factory=dict)
    """Description by identity of the nodes that were lost during their check.

    A node that comes back has a new identity, and is checked again.
    """
    cuda: str | None = None
    """CUDA and cuDNN of all nodes with GPUs; None before one is known."""
    offered: set[tuple[frozenset[str], bool]] = field(default_factory=set)
    """Each set of nodes on which a trial of the round was placed, and whether it takes a GPU.

    Tune never changes the set.
    """
    are_replaced: bool = False
    """Whether all nodes of such a set are lost while another one has room for its trial."""

    def check(self) -> None:
        """Check the nodes that are there.

        Raises `RunError` where none may train, and `ClusterLost` where one may come back.
        """
        self._check(self._unknown())
        if not self.usable:
            texts = [*self.left_out.values(), *self.lost.values()]
            reasons = "\n".join(f"  {text}" for text in texts)
            error = ClusterLost if self.lost else RunError
            raise error(f"no node of the cluster can train\n{reasons}")

    @property
    def there(self) -> list[Node]:
        """The nodes that may train, without those that were lost by the last look."""
        usable = [self.usable[name] for name in sorted(self.usable)]
        return [node for node in usable if node.identity in self.alive] or usable

    def begin_round(self) -> None:
        """Forget on which nodes the trials of the last round waited."""
        self.offered.clear()
        self.are_replaced = False

    @contextlib.contextmanager
    def joining(self) -> Iterator[None]:
        """Check nodes that join within a `with` block."""

        def look() -> None:
            with contextlib.suppress(Exception):
                # The cluster may be gone for a while: the next look finds it again.
                self._check(self._unknown())
                self._look_for_lost()

        # A check takes minutes where a node does not answer.
        with repeated(look, JOIN_SECONDS, is_joined=False):
            yield

    def _look_for_lost(self) -> None:
        """Note where trials wait for nodes of which none is left."""
        import ray

        there = ray.nodes()  # type: ignore[no-untyped-call]
        self.alive = {node["NodeID"] for node in there if node["Alive"]}
        usable = [node for node in there if node["Alive"] and node["NodeID"] in self.usable]
        lost = {takes_gpu for nodes, takes_gpu in self.offered if not nodes & self.alive}
        self.are_replaced = any(
            self._has_room(node, takes_gpu=takes_gpu) for takes_gpu in lost for node in usable
        )

    def _has_room(self, node: Mapping[str, Any], *, takes_gpu: bool) -> bool:
        """Whether a trial fits on a node, which the head of many clusters has no CPU for."""
        there = node["Resources"]
        gpus = self.expected.gpus if takes_gpu else 0.0
        return bool(there.get("CPU", 0.0) >= self.cpus and there.get("GPU", 0.0) >= gpus)

    def standing(self) -> tuple[list[Node], list[Node]]:
        """The nodes that train, or may do so once they are checked, and those that are left out."""
        import ray

        there = ray.nodes()  # type: ignore[no-untyped-call]
        alive = having_types([node for node in there if node["Alive"]], self.accelerators)
        found = [self.usable.get(node["NodeID"]) or Node.of(node) for node in alive]
        left_out = self.left_out.keys()
        return (
            [node for node in found if node.identity not in left_out],
            [node for node in found if node.identity in left_out],
        )

    def _unknown(self) -> list[Mapping[str, Any]]:
        import ray

        known = self.usable.keys() | self.left_out.keys()
        there = ray.nodes()  # type: ignore[no-untyped-call]
        unknown = [n for n in there if n["Alive"] and n["NodeID"] not in known]
        return having_types(unknown, self.accelerators)

    def _check(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Check nodes at the same time."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        check = ray.remote(check_node)
        asked = {}
        cuda = self.cuda or self.expected.cuda
        for node in nodes:
            place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            expected = self.expected.for_node(node["Resources"].get("GPU", 0.0), cuda)
            options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": place}
            asked[node["NodeID"]] = check.options(**options).remote(expected, node["NodeID"])
        reading = self.expected.data.n_bytes / LEAST_BYTES_PER_SECOND
        deadline = time.monotonic() + CHECK_SECONDS + reading
        for node in nodes:
            self._note(node, _answer(asked[node["NodeID"]], deadline, node["NodeID"]))

    def _note(self, node: Mapping[str, Any], found: Findings | None) -> None:
        """Note what a check found; None where the node was lost during its check."""
        identity = node["NodeID"]
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        if found is None:
            # Told once: Ray may take it for alive for a while, and its check then ends at once.
            if identity not in self.lost:
                self.lost[identity] = (
                    f"{name} was lost during its check; it is checked if it returns"
                )
                self.sink(Event("note", cause=self.lost[identity]))
            return
        problems = found.problems or self._unseen(identity) or self._other_cuda(found)
        if not problems:
            self.usable[identity] = Node.of(node, found.gpu)
            self.alive.add(identity)
            for note in found.notes:
                self.sink(Event("note", cause=f"{name}: {note}"))
            return
        self.left_out[identity] = f"{name} is left out: {'; '.join(problems)}"
        self.sink(Event("note", cause=self.left_out[identity]))

    def _other_cuda(self, found: Findings) -> list[str]:
        """What is wrong where two nodes that were checked at the same time differ in CUDA."""
        if found.cuda is None:
            return []
        self.cuda = self.cuda or found.cuda
        return differing_cuda(found.cuda, self.cuda)

    def _unseen(self, node: str) -> list[str]:
        """What is wrong where the driver does not see what a node wrote."""
        if self.expected.store.has_probe(node):
            return []
        where = self.expected.store.location
        return [f"the driver does not see what it writes to {where}; mount the same folder there"]


def _answer(reference: Any, deadline: float, node: str) -> Findings | None:
    """What a node found, or that it did not answer; None where it was lost."""
    import ray

    try:
        found: Findings = ray.get(reference, timeout=max(1.0, deadline - time.monotonic()))
    except ray.exceptions.GetTimeoutError:
        problem = (
            f"it did not answer within {CHECK_SECONDS:.0f} s and the time to read its copies of "
            f"data sets at {LEAST_BYTES_PER_SECOND / 1e6:.0f} MB/s"
        )
    except ray.exceptions.RayTaskError as error:
        reason = str(error.cause).partition("\n")[0]
        problem = f"Evenhand does not work there ({type(error.cause).__name__}: {reason})"
    except ray.exceptions.NodeDiedError:
        return None
    except ray.exceptions.RayError as error:
        reason = str(error).partition("\n")[0]
        problem = f"a process does not start there ({reason})"
    else:
        return found
    return None if _dies(node) else Findings([problem])


def _dies(node: str) -> bool:
    """Whether Ray notices within `DEATH_SECONDS` that a node has died."""
    import ray

    until = time.monotonic() + DEATH_SECONDS
    while True:
        there = ray.nodes()  # type: ignore[no-untyped-call]
        if node not in {each["NodeID"] for each in there if each["Alive"]}:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.2)


@contextlib.contextmanager
def checked(nodes: Nodes) -> Iterator[None]:
    """Check nodes, and those that join within a `with` block."""
    nodes.check()
    with nodes.joining():
        yield
