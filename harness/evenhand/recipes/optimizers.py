"""Optimisers of torch, by the name that a recipe gives in `optimizer`.

Learning rate and weight decay are fields of the recipe for all of them. Momentum is a field for
those that state `reads=("momentum", "nesterov")`; a recipe with another optimiser has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Protocol, runtime_checkable

from pydantic import Field

from evenhand.declared.decorators import optimizer
from evenhand.declared.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Decay = Annotated[float, Field(ge=0, lt=1)]


@runtime_checkable
class Optimizer(Protocol):
    """Declaration of an optimiser, which makes one of torch for the weights of a network."""

    def __call__(
        self, groups: list[dict[str, Any]], recipe: Recipe, lr: float | Tensor
    ) -> torch.optim.Optimizer:
        """The optimiser of these parameter groups.

        groups  each has `params` and, as the recipe states it, `weight_decay`
        lr      learning rate; for an optimiser of Evenhand on a GPU a tensor there, because the
                step is a CUDA graph, which reads it from memory
        """
        ...


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with momentum."""

    def __call__(
        self, groups: list[dict[str, Any]], recipe: Recipe, lr: float | Tensor
    ) -> torch.optim.Optimizer:
        import torch

        momentum, nesterov = recipe.momentum, recipe.nesterov
        fused = isinstance(lr, torch.Tensor) or None
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, nesterov=nesterov, fused=fused)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay."""

    betas: tuple[float, float]
    """Decay of the averages of the gradient and of its square."""
    eps: float
    """Number added to the denominator."""

    def __call__(
        self, groups: list[dict[str, Any]], recipe: Recipe, lr: float | Tensor
    ) -> torch.optim.Optimizer:
        import torch

        graph = isinstance(lr, torch.Tensor)
        return torch.optim.AdamW(
            groups, lr=lr, betas=self.betas, eps=self.eps, fused=graph or None, capturable=graph
        )


@optimizer(cite="sutskever2013importance", title="SGD", reads=("momentum", "nesterov"))
def sgd() -> Optimizer:
    """SGD with the recipe's `momentum`, `nesterov` and weight decay in the gradient.

    It is the default, so that a recipe with and without `optimizer: sgd` is the same.
    """
    return Sgd()


@optimizer(cite="loshchilov2019decoupled", title="AdamW")
def adamw(
    betas: tuple[Decay, Decay] = (0.9, 0.999), eps: Annotated[float, Field(gt=0)] = 1e-8
) -> Optimizer:
    """AdamW: Adam with decoupled weight decay, as transformers need it.

    Each step also subtracts lr · weight_decay · θ from the weights θ, apart from the gradient: the
    best values of `lr` and `weight_decay` are others than those of SGD. The defaults are torch's.

    betas  decay of the averages of the gradient and of its square
    eps    number added to the denominator
    """
    return AdamW(betas, eps)
