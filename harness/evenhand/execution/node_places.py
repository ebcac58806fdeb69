"""Places of trials: nodes that are alike, and what a trial takes of one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.errors import RunError
from evenhand.execution.provenance import Gpu

STEPS = (0.125, 0.25, 0.5, 1.0)
"""Shares of a GPU that a trial can have where its memory was measured."""
MARGIN = 1.2
"""Memory that is kept for a trial, against the largest peak of its workload."""
CONTEXT_GIB = 0.6
"""Memory of CUDA itself in each process, which the peak does not include."""
TYPE_LABEL, TYPE_RESOURCE = "ray.io/accelerator-type", "accelerator_type:"


@dataclass(frozen=True)
class Node:
    """A node that may train."""

    identity: str
    cpus: float
    gpus: float = 0.0
    unit: str = ""
    """Resource of Ray of which this node alone has one: "node:10.0.0.7"."""
    accelerator: str = ""
    """Type of its GPUs by Ray: "H100"."""
    gpu: Gpu | None = None
    """Its GPUs as their driver describes them; None where that is not known."""

    @classmethod
    def of(cls, node: Mapping[str, Any], gpu: Gpu | None = None) -> Node:
        """A node from the entry of `ray.nodes()`."""
        there = node["Resources"]
        units = [n for n in there if n.startswith("node:") and n != "node:__internal_head__"]
        return cls(
            identity=node["NodeID"],
            cpus=there.get("CPU", 0.0),
            gpus=there.get("GPU", 0.0),
            unit=min(units, default=""),
            accelerator=accelerator_of(node),
            gpu=gpu,
        )

    @property
    def resources(self) -> dict[str, float]:
        """Its CPUs and GPUs, under Ray's names."""
        types = {f"{TYPE_RESOURCE}{self.accelerator}": 1.0} if self.accelerator else {}
        return {"CPU": self.cpus, "GPU": self.gpus, **types}

    @property
    def model(self) -> str:
        """Model of its GPUs."""
        return self.gpu.name if self.gpu else self.accelerator

    @property
    def spare_cpus(self) -> float:
        """CPUs for trials without a GPU: one is left for each GPU, so that it never stands idle."""
        return self.cpus - math.ceil(self.gpus)


@dataclass(frozen=True)
class Place:
    """Nodes that are alike for a trial, and what it takes of one of them."""

    nodes: frozenset[str]
    """Identities of the nodes."""
    bundle: Mapping[str, float]
    """Resources of a process, under Ray's names."""
    slots: int
    """Number of such processes that run there at a time."""
    model: str = ""
    """Model of the GPUs; "" where the trial uses none."""

    def competes_with(self, other: Place) -> bool:
        """Whether trials of both take the same GPUs, or both take none and the same CPUs."""
        is_alike = ("GPU" in self.bundle) is ("GPU" in other.bundle)
        return is_alike and bool(self.nodes & other.nodes)


def accelerator_of(node: Mapping[str, Any]) -> str:
    """Type of a node's GPUs, from the entry of `ray.nodes()`; "" where it has none or no type."""
    label = node.get("Labels", {}).get(TYPE_LABEL, "")
    names = [n.removeprefix(TYPE_RESOURCE) for n in node["Resources"] if TYPE_RESOURCE in n]
    return str(label or min(names, default=""))


def having_types(
    nodes: Sequence[Mapping[str, Any]], accelerators: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The entries of `ray.nodes()` with one of these types of GPUs, if any; all without a type."""
    wanted = {name.casefold() for name in accelerators}
    return [n for n in nodes if not wanted or accelerator_of(n).casefold() in wanted]


def of_types(
    nodes: Sequence[Mapping[str, Any]], accelerators: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The entries of `ray.nodes()` with one of these types of GPUs; all where no type is named.

    Raises `RunError` where there is none.
    """
    found = having_types(nodes, accelerators)
    if nodes and not found:
        has_types = any(map(accelerator_of, nodes))
        do = "name one of these types" if has_types else "leave out --accelerator"
        raise RunError(
            f"no node has GPUs of the type {' or '.join(accelerators)} (--accelerator)\n"
            f"  nodes: {_counted(nodes)}\n"
            f"  {do}, or add nodes with such GPUs"
        )
    return found


def _counted(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Numbers of nodes and of GPUs by type.

    >>> _counted([{"Resources": {"GPU": 4.0, "accelerator_type:A100": 1.0}}, {"Resources": {}}])
    'A100 (1 node, 4 GPUs); without a GPU (1 node)'
    """
    texts = []
    for name in sorted({accelerator_of(node) for node in nodes}, key=lambda name: (not name, name)):
        alike = [
            node["Resources"].get("GPU", 0.0) for node in nodes if accelerator_of(node) == name
        ]
        for has_gpus in (True, False):
            gpus = [n for n in alike if (n > 0) is has_gpus]
            if gpus:
                number = "1 node" if len(gpus) == 1 else f"{len(gpus)} nodes"
                number += f", {sum(gpus):g} GPUs" if has_gpus else ""
                what = (name or "of unknown type") if has_gpus else "without a GPU"
                texts.append(f"{what} ({number})")
    return "; ".join(texts)


def share_of(gib: float, gpu: Gpu) -> float | None:
    """Smallest share of a GPU with room for a trial that took `gib`; None where it has none.

    >>> share_of(3.0, Gpu("T4", 16.0)), share_of(15.0, Gpu("T4", 16.0))
    (0.5, 1.0)
    """
    for step in STEPS:
        # A whole GPU needs no margin: there is no larger share.
        margin = MARGIN if step < 1 else 1.0
        if step * gpu.gib >= margin * gib + CONTEXT_GIB:
            return step
    return None


def gpu_places(
    nodes: Sequence[Node], cpus: float, share_on: Callable[[Node], float | None]
) -> list[Place]:
    """Places with GPUs, one for each model.

    share_on gives the GPUs of a process on a node, and None for a node without room for it.
    """
    alike: dict[tuple[str, float], list[Node]] = {}
    for node in nodes:
        share = share_on(node) if node.gpus else None
        if share is not None and _slots(node.cpus, node.gpus, cpus, share):
            alike.setdefault((node.model, share), []).append(node)
    return [
        Place(
            nodes=frozenset(node.identity for node in group),
            bundle={"CPU": cpus, "GPU": share},
            slots=sum(_slots(node.cpus, node.gpus, cpus, share) for node in group),
            model=model,
        )
        for (model, share), group in alike.items()
    ]


def cpu_places(nodes: Sequence[Node], cpus: float) -> list[Place]:
    """Places for a trial without a GPU: nodes without GPUs, and spare CPUs of each other node.

    A trial on a node with GPUs takes a part of Ray's resource for the node itself, of which there
    is one: so the trials of all runs on a cluster leave the other CPUs free.
    """
    plain = [node for node in nodes if not node.gpus and node.cpus >= cpus]
    found = [
        Place(
            nodes=frozenset(node.identity for node in plain),
            bundle={"CPU": cpus},
            slots=sum(int(node.cpus / cpus) for node in plain),
        )
    ]
    for node in nodes:
        slots = int(node.spare_cpus / cpus) if node.gpus and node.unit else 0
        # Rounded down to what Ray tells apart.
        part = math.floor(1e4 * cpus / node.spare_cpus) / 1e4 if slots > 0 else 0.0
        if part:
            bundle = {"CPU": cpus, node.unit: part}
            found.append(Place(frozenset([node.identity]), bundle, slots))
    return found if plain else found[1:]


def _slots(cpus: float, gpus: float, wanted: float, share: float) -> int:
    """Number of processes with `wanted` CPUs and a share of a GPU that fit on a node."""
    # A share above a half leaves a rest of each GPU that no other process can use.
    on_gpus = int(gpus) * int(1 / share) if share < 1 else int(gpus / share)
    return min(int(cpus / wanted), on_gpus)
