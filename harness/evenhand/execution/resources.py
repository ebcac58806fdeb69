"""Resources of a trial, checked against the cluster before the run starts."""

from __future__ import annotations

import contextlib
import math
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from evenhand.errors import RunError

DEFAULT_GPUS = 0.25


@dataclass(frozen=True)
class Resources:
    """CPUs and GPUs of one trial."""

    cpus: float = 1
    gpus: float | None = None
    """None: by the memory of finished trials; a quarter of a GPU where that is not known."""
    accelerators: tuple[str, ...] = ()
    """Types of GPUs on whose nodes trials run, by Ray's names; empty: any node."""


def allocate(
    resources: Resources,
    nodes: Sequence[Mapping[str, float]],
    *,
    pack: int = 1,
    whole_node: bool = False,
    leaves_cpus: bool = False,
) -> Resources:
    """Resources of a process with a pack of trials, given the `CPU` and `GPU` of each node.

    whole_node: the process gets all cores of the largest node, and a whole GPU where it uses one.
    leaves_cpus: a process without a GPU leaves one core for each GPU of its node.

    Raises `RunError` for a request that no node can meet: Tune would wait for it for ever, and
    crashes on a fraction above 1.
    """
    most = max((node.get("GPU", 0.0) for node in nodes), default=0.0)
    share = resources.gpus if resources.gpus is not None else (DEFAULT_GPUS if most else 0.0)
    if share > 1 and share != int(share):
        raise RunError(
            f"a trial needs a fraction of one GPU or a whole number of GPUs, not {share:g}\n"
            f"  write --gpus-per-trial {math.floor(share)} or {math.ceil(share)}"
        )
    # Trials in one process share one GPU, whatever their number.
    gpus = min(1.0, share * pack) if share < 1 else share
    cpus = resources.cpus * pack
    if whole_node:
        gpus = float(math.ceil(gpus))
        with_gpus = [node for node in nodes if node.get("GPU", 0.0) >= gpus]
        cpus = max([cpus, *(node.get("CPU", 0.0) for node in with_gpus)])
    leaves = leaves_cpus and not gpus and not whole_node
    for node in nodes:
        left = math.ceil(node.get("GPU", 0.0)) if leaves else 0
        if node.get("CPU", 0.0) - left >= cpus and node.get("GPU", 0.0) >= gpus:
            return Resources(cpus, gpus)
    raise _unmet(Resources(cpus, gpus), nodes, pack, leaves=leaves)


def _unmet(
    wanted: Resources, nodes: Sequence[Mapping[str, float]], pack: int, *, leaves: bool
) -> RunError:
    """The error for resources that no node has."""
    there = "; ".join(map(_described, nodes))
    there += "\n  a trial without a GPU leaves one CPU for each GPU of a node" if leaves else ""
    whose = "a trial" if pack == 1 else f"{pack} trials in one process"
    options = "--cpus-per-trial" if pack == 1 else "--pack, --cpus-per-trial"
    return RunError(
        f"{whose} must fit on one node: no node has {wanted.cpus:g} CPUs and {wanted.gpus:g} GPUs\n"
        f"  nodes: {there or 'none'}\n"
        f"  lower {options} or --gpus-per-trial, or add nodes"
    )


def _described(node: Mapping[str, float]) -> str:
    """Resources of a node: `8 CPUs, 4 GPUs (H100)`."""
    types = [name.partition(":")[2] for name in node if name.startswith("accelerator_type:")]
    text = f"{node.get('CPU', 0):g} CPUs, {node.get('GPU', 0):g} GPUs"
    return f"{text} ({', '.join(types)})" if types else text


def fixed(resources: Resources, taken: Resources) -> Resources:
    """The request of a trial with the default that `taken` was allocated with.

    So a later request of the run uses GPUs where the first one did, or is refused.
    """
    usual = DEFAULT_GPUS if taken.gpus else 0.0
    return replace(resources, gpus=usual if resources.gpus is None else resources.gpus)


def count_slots(taken: Resources, nodes: Sequence[Mapping[str, float]]) -> int:
    """Number of processes with these resources that run at a time, at least one."""
    total = 0
    for node in nodes:
        by_cpu = node.get("CPU", 0.0) / taken.cpus
        by_gpu = node.get("GPU", 0.0) / taken.gpus if taken.gpus else math.inf
        total += int(min(by_cpu, by_gpu))
    return max(1, total)


def this_machine() -> dict[str, float]:
    """CPU cores that this process may use, and the GPUs of this machine, under Ray's names."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"CPU": float(cores or 1), "GPU": float(torch.cuda.device_count())}


def check_address(address: str | None) -> None:
    """Raise `RunError` for an address of Ray Client: Tune then runs in a process of the head.

    The driver must be in the process that places trials and sees the nodes.
    """
    if address is None or not address.strip().casefold().startswith("ray://"):
        return
    host = None
    with contextlib.suppress(ValueError):
        host = urlsplit(address.strip()).hostname
    host = f"[{host}]" if host and ":" in host else host or "HOST"
    raise RunError(
        f"the address is {address}: Evenhand cannot use Ray Client (ray://), because Ray Tune\n"
        "  then runs on the head, apart from the process that chooses the node of each trial\n"
        f"  write HOST:PORT, usually --address {host}:6379, on a machine of the cluster;\n"
        f"  `ray start --address={host}:6379 --num-cpus=0` adds this machine without trials"
    )


def check_listening(address: str) -> None:
    """Raise `OSError` where nothing listens at an address: Ray would try again for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def named_types(texts: Sequence[str]) -> tuple[str, ...]:
    """The types of GPUs that texts name. Raises `RunError` for an empty name.

    >>> named_types(["H100,A100"])
    ('H100', 'A100')
    """
    names = tuple(name.strip() for text in texts for name in text.split(","))
    if not all(names):
        raise RunError(
            f"accelerator is {','.join(texts)!r}, with an empty name\n  write e.g. H100,A100"
        )
    return names
