"""Resources of a trial, checked against the cluster before the run starts."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.errors import RunError

DEFAULT_GPUS = 0.25


@dataclass(frozen=True)
class Resources:
    """CPUs and GPUs of one trial."""

    cpus: float = 1
    gpus: float | None = None
    """None: a quarter of a GPU where any node has one."""


def allocate(
    resources: Resources,
    nodes: Sequence[Mapping[str, float]],
    *,
    pack: int = 1,
    whole_node: bool = False,
) -> Resources:
    """Resources of a process with a pack of trials, given the `CPU` and `GPU` of each node.

    whole_node: the process gets all cores of the largest node, and a whole GPU where it uses one.

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
    for node in nodes:
        if node.get("CPU", 0.0) >= cpus and node.get("GPU", 0.0) >= gpus:
            return Resources(cpus, gpus)
    there = "; ".join(f"{n.get('CPU', 0):g} CPUs, {n.get('GPU', 0):g} GPUs" for n in nodes)
    whose = "a trial" if pack == 1 else f"{pack} trials in one process"
    options = "--cpus-per-trial" if pack == 1 else "--pack, --cpus-per-trial"
    raise RunError(
        f"{whose} must fit on one node: no node has {cpus:g} CPUs and {gpus:g} GPUs\n"
        f"  nodes: {there or 'none'}\n"
        f"  lower {options} or --gpus-per-trial, or add nodes"
    )


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


def check_listening(address: str) -> None:
    """Raise `OSError` where nothing listens at an address: Ray would try again for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
