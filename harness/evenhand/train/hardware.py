"""Capabilities of the device at hand."""

from __future__ import annotations

import torch

from evenhand.declared.recipe import Precision


def runs_in_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether networks run in bf16 on a device; "auto" uses it where the hardware multiplies it."""
    if precision == "auto":
        return has_bf16_units(device)
    return precision == "bf16"


def has_bf16_units(device: torch.device) -> bool:
    """Whether a device has matrix units for bf16: AMX on a CPU, tensor cores from Ampere on.

    Without them bf16 is slower than float32.
    """
    if device.type == "cuda":
        major, _ = torch.cuda.get_device_capability(device)
        return major >= 8
    return bool(torch.cpu._is_amx_tile_supported())
