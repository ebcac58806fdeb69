"""Device of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evenhand.errors import RunError
from evenhand.execution import provenance

if TYPE_CHECKING:
    import torch


def device_of(*, use_gpu: bool, needs_gpu: bool, gpu_fraction: float) -> torch.device:
    """The device of a trial; on a GPU its share of the memory is enforced."""
    import torch

    has_gpu = torch.cuda.is_available()
    if needs_gpu and not has_gpu:
        raise RunError(
            f"Ray granted a GPU on {provenance.host()}, and CUDA does not work there\n"
            "  look at `nvidia-smi` and at the versions of torch and the driver on this machine"
        )
    if not (use_gpu and has_gpu):
        return torch.device("cpu")
    if gpu_fraction < 1:
        # Ray's fractions of a GPU limit nothing.
        torch.cuda.set_per_process_memory_fraction(gpu_fraction)
    return torch.device("cuda")


def gpu_facts(device: torch.device) -> dict[str, object]:
    """Provenance of a GPU; empty for a CPU."""
    import torch

    if device.type != "cuda":
        return {}
    name = torch.cuda.get_device_name(device)
    return {"device": "cuda", "gpu": name, "driver": provenance.driver()}
