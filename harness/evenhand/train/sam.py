"""One step of the optimiser: plain, or sharpness-aware (SAM, foret2021sharpness)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from evenhand.declared.recipe import Sam

LossOf = Callable[[], Float[Tensor, ""]]
"""Loss of the current batch under the current weights; each call is one forward pass."""

TINY = 1e-12


@runtime_checkable
class Step(Protocol):
    """A step on one batch; it returns the loss before the step.

    Where a later pass of the step has a loss that is not finite, that loss is returned.
    """

    def __call__(
        self, loss_of: LossOf, model: nn.Module, optimizer: Optimizer
    ) -> Float[Tensor, ""]: ...


def plain_step(loss_of: LossOf, model: nn.Module, optimizer: Optimizer) -> Float[Tensor, ""]:
    """Make one forward and backward pass, and the optimiser's step."""
    loss = _backward(loss_of, optimizer)
    optimizer.step()
    return loss


@dataclass(frozen=True)
class SamStep:
    """The optimiser's step at w with the gradient at w + ρ · g / ‖g‖₂, where g is that at w.

    The norm is that of all weights together; this is not the adaptive variant. Both passes see the
    same batch.
    """

    rho: float
    batch_norm: Literal["both", "first"] = "both"
    """Passes that update the running statistics of batch normalisation."""

    def __call__(
        self, loss_of: LossOf, model: nn.Module, optimizer: Optimizer
    ) -> Float[Tensor, ""]:
        loss = _backward(loss_of, optimizer)
        reached: list[Tensor] = [p for p in model.parameters() if p.grad is not None]
        before = [p.detach().clone() for p in reached]
        _ascend(reached, self.rho)
        with nullcontext() if self.batch_norm == "both" else frozen_statistics(model):
            uphill = _backward(loss_of, optimizer)
        with torch.no_grad():
            torch._foreach_copy_(reached, before)
        optimizer.step()
        return torch.where(uphill.isfinite(), loss, uphill)


def step_of(sam: Sam | None, stage: int) -> Step:
    """The step of a recipe in the stage with this number, counted from 0."""
    rho = sam.radius(stage) if sam else 0.0
    return SamStep(rho, sam.batch_norm) if sam and rho else plain_step


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Freeze the running statistics of batch normalisation, which still normalises by the batch."""
    moving = [m for m in model.modules() if isinstance(m, _NormBase) and m.track_running_stats]
    for module in moving:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in moving:
            module.track_running_stats = True


def _backward(loss_of: LossOf, optimizer: Optimizer) -> Float[Tensor, ""]:
    loss = loss_of()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


@torch.no_grad()
def _ascend(weights: list[Tensor], rho: float) -> None:
    """Add ρ · g / (‖g‖₂ + 1e-12) to the weights."""
    gradients = [p.grad for p in weights if p.grad is not None]
    # The norm stays a tensor, because reading its value would wait for the GPU.
    norm = torch.nn.utils.get_total_norm(gradients)
    torch._foreach_add_(weights, torch._foreach_mul(gradients, rho / (norm + TINY)))
