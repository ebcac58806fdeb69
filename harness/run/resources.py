"""What one trial takes of a cluster, checked before anything waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.errors import RunError

DEFAULT_GPUS = 0.25


@dataclass(frozen=True)
class Resources:
    """What one trial takes. gpus None: a quarter of one where any node has one."""

    cpus: float = 1
    gpus: float | None = None


def granted(resources: Resources, nodes: Sequence[Mapping[str, float]]) -> float:
    """GPUs for a trial, given what each node has (`CPU`, `GPU`).

    Raises `RunError` for a request that no node could ever meet: Tune would wait for ever for it,
    and crash on one and a half GPUs.
    """
    most = max((node.get("GPU", 0.0) for node in nodes), default=0.0)
    gpus = resources.gpus if resources.gpus is not None else (DEFAULT_GPUS if most else 0.0)
    if gpus > 1 and gpus != int(gpus):
        raise RunError(f"--gpus-per-trial {gpus:g}: a share of one GPU, or whole ones")
    for node in nodes:
        if node.get("CPU", 0.0) >= resources.cpus and node.get("GPU", 0.0) >= gpus:
            return gpus
    there = "; ".join(f"{n.get('CPU', 0):g} CPUs, {n.get('GPU', 0):g} GPUs" for n in nodes)
    raise RunError(
        f"no node has the {resources.cpus:g} CPUs and {gpus:g} GPUs of a trial\n"
        f"  nodes: {there or 'none'}\n"
        "  lower --cpus-per-trial or --gpus-per-trial, or add nodes"
    )
