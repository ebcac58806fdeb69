"""What one trial takes of a cluster, checked before anything waits for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.errors import RunError

DEFAULT_GPUS = 0.25


@dataclass(frozen=True)
class Resources:
    """What one trial takes. gpus None: a quarter of one where any node has one."""

    cpus: float = 1
    gpus: float | None = None


def granted(
    resources: Resources, nodes: Sequence[Mapping[str, float]], *, pack: int = 1
) -> Resources:
    """What a process with a pack of trials takes, given what each node has (`CPU`, `GPU`).

    Raises `RunError` for a request that no node could ever meet: Tune would wait for ever for it,
    and crash on one and a half GPUs.
    """
    most = max((node.get("GPU", 0.0) for node in nodes), default=0.0)
    share = resources.gpus if resources.gpus is not None else (DEFAULT_GPUS if most else 0.0)
    if share > 1 and share != int(share):
        raise RunError(f"--gpus-per-trial {share:g}: a share of one GPU, or whole ones")
    # Trials in one process share one GPU, however many they are.
    gpus = min(1.0, share * pack) if share < 1 else share
    cpus = resources.cpus * pack
    for node in nodes:
        if node.get("CPU", 0.0) >= cpus and node.get("GPU", 0.0) >= gpus:
            return Resources(cpus, gpus)
    there = "; ".join(f"{n.get('CPU', 0):g} CPUs, {n.get('GPU', 0):g} GPUs" for n in nodes)
    whose = "a trial" if pack == 1 else f"{pack} trials in one process"
    options = "--cpus-per-trial" if pack == 1 else "--pack, --cpus-per-trial"
    raise RunError(
        f"no node has the {cpus:g} CPUs and {gpus:g} GPUs of {whose}\n"
        f"  nodes: {there or 'none'}\n"
        f"  lower {options} or --gpus-per-trial, or add nodes"
    )
