"""Nodes of a Ray cluster: each is checked before it trains, at the start and when it joins.

A node that differs from the driver would train other records under the same keys, and one that does
not share the results folder would keep its records to itself. Such nodes are named and left out: a
trial is placed on the other nodes only, by the label `ray.io/node-id` of its placement group.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evenhand.errors import EvenhandError, RunError
from evenhand.execution.background import repeated
from evenhand.execution.events import Event, Sink
from evenhand.execution.resources import Resources
from evenhand.store import Store

COMPARED = ("torch", "torchvision", "timm", "numpy")
"""Packages whose versions must be those of the driver."""
CHECK_SECONDS = 180.0
"""Time in which a node must answer; importing torch from a network file system takes long."""
JOIN_SECONDS = 5.0
"""Time between two looks for nodes that have joined."""
LEAST_DISK_GB, LEAST_MEMORY_GB = 1.0, 1.0
NODE_LABEL = "ray.io/node-id"


@cache
def code_digest() -> str:
    """Digest of the code of this package, as it is installed where this runs."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def package_versions() -> dict[str, str]:
    """Versions of the compared packages, without what follows a "+"."""
    found = {}
    for package in COMPARED:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package).partition("+")[0]
    return found


@dataclass(frozen=True)
class Expected:
    """What a node must have in common with the driver."""

    digest: str
    versions: Mapping[str, str]
    store: Store
    gpus: float
    """GPUs of a trial."""


def find_problems(expected: Expected, node: str) -> list[str]:
    """What keeps this node from training, each with what to do; empty for a good node.

    Runs on the node.
    """
    found = []
    if code_digest() != expected.digest:
        found.append(
            f"its code of Evenhand differs (digest {code_digest()}; the driver has "
            f"{expected.digest}); install the same commit there, or run with --ship-code"
        )
    here = package_versions()
    differing = [
        f"{name} {here.get(name, 'missing')} (the driver has {wanted})"
        for name, wanted in expected.versions.items()
        if here.get(name) != wanted
    ]
    if differing:
        found.append(f"versions differ: {', '.join(differing)}; install those of the driver")
    found += _hardware(expected.gpus)
    try:
        expected.store.probe(node)
    except EvenhandError as error:
        reason = str(error).partition("\n")[0]
        found.append(f"it does not share the results ({reason}); mount the same folder there")
    return found


def _hardware(gpus: float) -> list[str]:
    """What is wrong with the packages, the GPUs, the disk or the memory of this node."""
    found = []
    try:
        import timm  # noqa: F401
        import torch
        import torchvision  # noqa: F401
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        return [f"torch, torchvision and timm cannot be imported there ({reason})"]
    if gpus and not torch.cuda.is_available():
        found.append("Ray offers GPUs there, and CUDA does not work; look at `nvidia-smi` there")
    free = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    if free < LEAST_DISK_GB:
        found.append(f"{free:.1f} GB of disk are free in {tempfile.gettempdir()}; free some")
    memory = _available_memory_gb()
    if memory is not None and memory < LEAST_MEMORY_GB:
        found.append(f"{memory:.1f} GB of memory are available there; end other programs")
    return found


def _available_memory_gb() -> float | None:
    """Available memory; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(found[0]) / 1e6 if found else None


@dataclass
class Nodes:
    """The nodes of a cluster that may train, and those that are left out."""

    expected: Expected
    sink: Sink
    cpus: float = 0.0
    """CPUs of a trial."""
    usable: set[str] = field(default_factory=set)
    """Identities of the nodes that may train."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Reason by identity of the nodes that are left out."""
    offered: set[frozenset[str]] = field(default_factory=set)
    """Each set of nodes on which trials wait to be placed: Tune never changes it."""
    are_replaced: bool = False
    """Whether all nodes of such a set are lost while others may train."""

    def check(self) -> None:
        """Check the nodes that are there. Raises `RunError` where none may train."""
        self._check(self._unknown())
        if not self.usable:
            reasons = "\n".join(f"  {text}" for text in self.left_out.values())
            raise RunError(f"no node of the cluster can train\n{reasons}")

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
        alive = {node["NodeID"] for node in there if node["Alive"] and self._has_room(node)}
        is_lost = any(not nodes & alive for nodes in self.offered)
        self.are_replaced = is_lost and bool(self.usable & alive)

    def _has_room(self, node: Mapping[str, Any]) -> bool:
        """Whether a trial fits on a node, which the head of many clusters has no CPU for."""
        there = node["Resources"]
        return bool(
            there.get("CPU", 0.0) >= self.cpus and there.get("GPU", 0.0) >= self.expected.gpus
        )

    def _unknown(self) -> list[dict[str, Any]]:
        import ray

        known = self.usable | self.left_out.keys()
        there = ray.nodes()  # type: ignore[no-untyped-call]
        return [node for node in there if node["Alive"] and node["NodeID"] not in known]

    def _check(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Check nodes at the same time."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        check = ray.remote(find_problems)
        asked = {}
        for node in nodes:
            place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            needs = self.expected.gpus if node["Resources"].get("GPU") else 0.0
            expected = Expected(
                self.expected.digest, self.expected.versions, self.expected.store, needs
            )
            options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": place}
            asked[node["NodeID"]] = check.options(**options).remote(expected, node["NodeID"])
        deadline = time.monotonic() + CHECK_SECONDS
        for node in nodes:
            self._note(node, _answer(asked[node["NodeID"]], deadline))

    def _note(self, node: Mapping[str, Any], problems: list[str]) -> None:
        identity = node["NodeID"]
        if not problems:
            problems = self._unseen(identity)
        if not problems:
            self.usable.add(identity)
            return
        name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
        self.left_out[identity] = f"{name} is left out: {'; '.join(problems)}"
        self.sink(Event("note", cause=self.left_out[identity]))

    def _unseen(self, node: str) -> list[str]:
        """What is wrong where the driver does not see what a node wrote."""
        if self.expected.store.has_probe(node):
            return []
        where = self.expected.store.location
        return [f"the driver does not see what it writes to {where}; mount the same folder there"]


def _answer(reference: Any, deadline: float) -> list[str]:
    """The problems that a node found; one where it did not answer."""
    import ray

    try:
        found: list[str] = ray.get(reference, timeout=max(1.0, deadline - time.monotonic()))
    except ray.exceptions.GetTimeoutError:
        return [f"it did not answer within {CHECK_SECONDS:.0f} s"]
    except ray.exceptions.RayTaskError as error:
        reason = str(error.cause).partition("\n")[0]
        return [f"Evenhand does not work there ({type(error.cause).__name__}: {reason})"]
    except ray.exceptions.RayError as error:
        reason = str(error).partition("\n")[0]
        return [f"a process does not start there ({reason})"]
    return found


_placed_on: list[Nodes] = []
"""The nodes of the run in progress, if any: Tune copies the function that places trials."""


@contextlib.contextmanager
def checked(nodes: Nodes) -> Iterator[None]:
    """Check nodes, and place trials on the good ones within a `with` block."""
    nodes.check()
    _placed_on.append(nodes)
    try:
        with nodes.joining():
            yield
    finally:
        _placed_on.remove(nodes)


def nodes_are_replaced() -> bool:
    """Whether trials of the run in progress wait for nodes that were all lost."""
    return bool(_placed_on) and _placed_on[-1].are_replaced


def placement(taken: Resources) -> Callable[[dict[str, Any]], Any]:
    """A function by which Tune places each trial, when it makes it, on a node that may train."""

    def place(_: dict[str, Any]) -> Any:
        return placement_now(taken)

    return place


def placement_now(taken: Resources) -> Any:
    """A placement group on a node that may train as far as is known now."""
    from ray import tune

    bundle = {"CPU": taken.cpus, "GPU": taken.gpus or 0.0}
    if not _placed_on:
        return tune.PlacementGroupFactory([bundle])
    nodes = _placed_on[-1]
    nodes.offered.add(frozenset(nodes.usable))
    selector = {NODE_LABEL: f"in({','.join(sorted(nodes.usable))})"}
    return tune.PlacementGroupFactory([bundle], bundle_label_selector=[selector])
