"""State of an optimiser: its learning rate and tensors, and how it begins anew."""

from __future__ import annotations

import torch
from torch import Tensor

BEGIN_AT_ZERO = (torch.optim.SGD, torch.optim.AdamW)
"""Optimisers of which a state of zeros equals none.

SGD sets a momentum to the gradient at its first step, which is what a momentum of 0 gives without
dampening. Subclasses, which may keep other values in their state, do not count.
"""


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every parameter group."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            # Into the tensor that is there, because a CUDA graph reads it at its address.
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def state_tensors(optimizer: torch.optim.Optimizer) -> dict[tuple[Tensor, str], Tensor]:
    """The tensors of the state, by parameter and name and not copied."""
    return {
        (parameter, name): value
        for parameter, state in optimizer.state.items()
        for name, value in state.items()
        if isinstance(value, Tensor)
    }


@torch.no_grad()
def clear(optimizer: torch.optim.Optimizer) -> None:
    """Begin anew, in the tensors that are there where a CUDA graph may have their addresses."""
    dampened = any(group.get("dampening") for group in optimizer.param_groups)
    if type(optimizer) not in BEGIN_AT_ZERO or dampened:
        optimizer.state.clear()
    for tensor in state_tensors(optimizer).values():
        tensor.zero_()
