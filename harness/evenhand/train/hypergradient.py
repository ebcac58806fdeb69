"""Hypergradient by implicit differentiation, with a Neumann series for the inverse Hessian.

With θ the weights, a the learned parameters, L the training loss and H its Hessian in θ, the
implicit function theorem gives dθ/da = −H⁻¹ ∂²L/∂θ∂a where ∂L/∂θ = 0, and with it

    dL_val/da = −∂L_val/∂θ · H⁻¹ · ∂²L/∂θ∂a,        H⁻¹ ≈ Σ_{i=0}^{terms} scale · (I − scale · H)^i.

The series equals differentiation through the last terms + 1 steps of gradient descent at θ. It
converges where every eigenvalue of scale · H lies in (0, 2).

The training loss is the mean over a few batches, each given by its gradient. A product with H costs
about 4 passes forward for each batch whose graph is held, and 7 where it is made again each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from evenhand.pulse import pulse

BatchGradient = Callable[[], Sequence[Tensor]]
"""∂L/∂θ of a batch at the current weights, with its graph; the same numbers at each call."""


def batch_gradient(
    loss: Callable[[], Tensor], weights: Sequence[Tensor], *, is_held: bool = True
) -> BatchGradient:
    """Gradient of a loss that returns the same number at each call.

    is_held: the graph is made once and stays in memory; else each call makes it again.
    """

    def made() -> Sequence[Tensor]:
        return _grad(loss(), weights, create_graph=True)

    if not is_held:
        return made
    held = made()
    return lambda: held


TINY = 1e-30


class Solved(NamedTuple):
    """Result of the Neumann series."""

    vector: list[Tensor]
    norm: float
    """Largest ‖H·u‖ / ‖u‖ over the terms u: a lower bound of ‖H‖.

    It is large where the series diverges, because the terms then grow along such eigenvectors.
    """


class Norm(NamedTuple):
    """Estimate of the largest |eigenvalue| of H, and the unit vector that belongs to it."""

    value: float
    direction: list[Tensor]


def mixed_derivative(
    gradients: Sequence[BatchGradient],
    solved: Sequence[Tensor],
    *,
    weights: Sequence[Tensor],
    learned: Sequence[Tensor],
) -> list[Tensor]:
    """dL_val/da = −∂²L/∂a∂θ · `solved`, where `solved` is H⁻¹ ∂L_val/∂θ.

    It is zero where the training loss does not contain a; L_val does not contain a.
    """
    return [-part for part in _mixed_product(gradients, solved, weights, learned)]


def inverse_product(
    gradients: Sequence[BatchGradient],
    vector: Sequence[Tensor],
    *,
    weights: Sequence[Tensor],
    terms: int,
    scale: float,
) -> Solved:
    """Σ_{i=0}^{terms} scale · (I − scale · H)^i · v."""
    now = [part.detach().clone() for part in vector]
    total, stretched = [part.clone() for part in now], 0.0
    for _ in range(terms):
        product = hessian_product(gradients, now, weights=weights)
        stretched = max(stretched, length(product) / max(length(now), TINY))
        now = [part - scale * h for part, h in zip(now, product, strict=True)]
        total = [part + more for part, more in zip(total, now, strict=True)]
    return Solved([scale * part for part in total], stretched)


def hessian_product(
    gradients: Sequence[BatchGradient], vector: Sequence[Tensor], *, weights: Sequence[Tensor]
) -> list[Tensor]:
    """H · v."""
    return _mixed_product(gradients, vector, weights, weights)


def spectral_norm(
    gradients: Sequence[BatchGradient],
    start: Sequence[Tensor],
    *,
    weights: Sequence[Tensor],
    iterations: int,
) -> Norm:
    """‖H‖ by power iteration: a lower bound, which more iterations tighten; 0 where H is zero."""
    direction, value = _unit(start), 0.0
    for _ in range(iterations):
        product = hessian_product(gradients, direction, weights=weights)
        value = length(product)
        if not 0 < value < math.inf:
            break
        direction = [part / value for part in product]
    return Norm(value, direction)


def length(vector: Sequence[Tensor]) -> float:
    """Euclidean norm of all parts together."""
    return float(torch.stack([part.square().sum() for part in vector]).sum().sqrt())


def _unit(vector: Sequence[Tensor]) -> list[Tensor]:
    norm = length(vector)
    return [part / norm for part in vector]


def _mixed_product(
    gradients: Sequence[BatchGradient],
    vector: Sequence[Tensor],
    weights: Sequence[Tensor],
    of: Sequence[Tensor],
) -> list[Tensor]:
    """∂/∂(of) ⟨∂L/∂θ, v⟩, where ∂L/∂θ is the mean over the batches."""
    total = [torch.zeros_like(tensor) for tensor in of]
    for batch in gradients:
        pairs = zip(batch(), vector, strict=True)
        along = torch.stack([(slope * v).sum() for slope, v in pairs]).sum()
        if along.requires_grad:
            parts = _grad(along / len(gradients), of, retain_graph=True)
            total = [so_far + part for so_far, part in zip(total, parts, strict=True)]
        pulse()
    return total


def _grad(
    value: Tensor, of: Sequence[Tensor], *, create_graph: bool = False, retain_graph: bool = False
) -> Sequence[Tensor]:
    return torch.autograd.grad(
        value,
        of,
        create_graph=create_graph,
        retain_graph=create_graph or retain_graph,
        materialize_grads=True,
    )
