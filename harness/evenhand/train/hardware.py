"""What the device at hand is good at."""

from __future__ import annotations

import torch

from evenhand.declared.trial import Precision


def computes_in_half(precision: Precision, device: torch.device) -> bool:
    """Whether networks run in bf16 there: "auto" asks for hardware that multiplies it."""
    if precision == "auto":
        return has_bf16_units(device)
    return precision == "bf16"


def has_bf16_units(device: torch.device) -> bool:
    """Matrix units for bf16: AMX on a CPU, tensor cores from Ampere on. Elsewhere it is slower."""
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return major >= 8
    return bool(torch.cpu._is_amx_tile_supported())
