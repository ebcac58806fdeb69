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

from evenhand.declared.trial import Sam

LossOf = Callable[[], Float[Tensor, ""]]
"""The loss of the batch at hand under the weights as they are: a forward pass a call."""

TINY = 1e-12


@runtime_checkable
class Step(Protocol):
    """One step on one batch; gives the loss before it, or one that is not finite if any was not."""

    def __call__(
        self, loss_of: LossOf, model: nn.Module, optimizer: Optimizer
    ) -> Float[Tensor, ""]: ...


def plain_step(loss_of: LossOf, model: nn.Module, optimizer: Optimizer) -> Float[Tensor, ""]:
    """One forward and backward pass, and the optimiser's step."""
    loss = _backward(loss_of, optimizer)
    optimizer.step()
    return loss


@dataclass(frozen=True)
class SamStep:
    """The optimiser's step at w, with the gradient at w + ρ · g / ‖g‖₂ for g the gradient at w.

    The norm is that of all weights together, and no weight counts by its size (not "adaptive").
    Both passes see the same batch.
    """

    rho: float
    batch_norm: Literal["both", "first"] = "both"

    def __call__(
        self, loss_of: LossOf, model: nn.Module, optimizer: Optimizer
    ) -> Float[Tensor, ""]:
        loss = _backward(loss_of, optimizer)
        reached: list[Tensor] = [p for p in model.parameters() if p.grad is not None]
        before = [p.detach().clone() for p in reached]
        _climb(reached, self.rho)
        with nullcontext() if self.batch_norm == "both" else statistics_kept(model):
            uphill = _backward(loss_of, optimizer)
        with torch.no_grad():
            torch._foreach_copy_(reached, before)
        optimizer.step()
        return torch.where(uphill.isfinite(), loss, uphill)


def step_of(sam: Sam | None, stage: int) -> Step:
    """The step that a recipe takes in a stage, counted from 0."""
    rho = sam.radius(stage) if sam else 0.0
    return SamStep(rho, sam.batch_norm) if sam and rho else plain_step


@contextmanager
def statistics_kept(model: nn.Module) -> Iterator[None]:
    """Batch normalisation still normalises by the batch, but its running statistics stand still."""
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
def _climb(weights: list[Tensor], rho: float) -> None:
    """Add ρ · g / (‖g‖₂ + 1e-12). The norm stays a tensor: reading it would wait for the device."""
    gradients = [p.grad for p in weights if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    torch._foreach_add_(weights, torch._foreach_mul(gradients, rho / (norm + TINY)))
