"""How the weights that a training ends at move with what its loss is made of, and the price of it.

With θ the weights, a what is learned, L the training loss and H its Hessian in θ, the implicit
function theorem gives dθ/da = −H⁻¹ ∂²L/∂θ∂a where ∂L/∂θ = 0, and with it

    dL_val/da = −∂L_val/∂θ · H⁻¹ · ∂²L/∂θ∂a,        H⁻¹ ≈ Σ_{i=0}^{terms} scale · (I − scale · H)^i.

The series is what differentiating through the last terms + 1 steps of gradient descent at θ would
give, and converges where every eigenvalue of scale · H lies in (0, 2).

A training loss is the mean of a few batches', each given by its slopes. A product with H is about 4
passes forward for each batch whose graph is held, and 7 where it is made again each time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Slopes = Callable[[], Sequence[Tensor]]
"""∂L/∂θ of a batch at the weights as they are, with its graph; the same numbers at each call."""


def slopes_of(
    loss: Callable[[], Tensor], weights: Sequence[Tensor], *, is_held: bool = True
) -> Slopes:
    """Of a loss that gives the same number at each call. is_held: its graph is made once."""

    def made() -> Sequence[Tensor]:
        return _grad(loss(), weights, create_graph=True)

    if not is_held:
        return made
    held = made()
    return lambda: held


TINY = 1e-30


class Solved(NamedTuple):
    """A vector, and the largest ‖H·u‖ / ‖u‖ of those on the way: a lower bound of ‖H‖.

    A series cannot grow much unseen: what grows it shows in this bound.
    """

    vector: list[Tensor]
    norm: float


class Norm(NamedTuple):
    """The largest |eigenvalue| of H as far as found, and the unit vector that was found with it."""

    value: float
    direction: list[Tensor]


def hypergradient(
    slopes: Sequence[Slopes],
    outer: Sequence[Tensor],
    *,
    weights: Sequence[Tensor],
    learned: Sequence[Tensor],
    terms: int,
    scale: float,
) -> list[Tensor]:
    """dL_val/da by the series; zero where the training loss does not contain a.

    outer  ∂L_val/∂θ, one tensor for each of the weights; L_val does not contain a
    """
    solved = inverse_product(slopes, outer, weights=weights, terms=terms, scale=scale)
    return through(slopes, solved.vector, weights=weights, learned=learned)


def through(
    slopes: Sequence[Slopes],
    solved: Sequence[Tensor],
    *,
    weights: Sequence[Tensor],
    learned: Sequence[Tensor],
) -> list[Tensor]:
    """−∂²L/∂a∂θ · H⁻¹ ∂L_val/∂θ, of which `solved` is the second factor."""
    return [-part for part in _mixed_product(slopes, solved, weights, learned)]


def inverse_product(
    slopes: Sequence[Slopes],
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
        product = hessian_product(slopes, now, weights=weights)
        stretched = max(stretched, length(product) / max(length(now), TINY))
        now = [part - scale * h for part, h in zip(now, product, strict=True)]
        total = [part + more for part, more in zip(total, now, strict=True)]
    return Solved([scale * part for part in total], stretched)


def hessian_product(
    slopes: Sequence[Slopes], vector: Sequence[Tensor], *, weights: Sequence[Tensor]
) -> list[Tensor]:
    """H · v."""
    return _mixed_product(slopes, vector, weights, weights)


def spectral_norm(
    slopes: Sequence[Slopes],
    start: Sequence[Tensor],
    *,
    weights: Sequence[Tensor],
    iterations: int,
) -> Norm:
    """‖H‖ by power iteration: a lower bound, the closer the more iterations; 0 where H is zero."""
    direction, value = _unit(start), 0.0
    for _ in range(iterations):
        product = hessian_product(slopes, direction, weights=weights)
        value = length(product)
        if not 0 < value < math.inf:
            break
        direction = [part / value for part in product]
    return Norm(value, direction)


def length(vector: Sequence[Tensor]) -> float:
    """The Euclidean norm of all parts together."""
    return float(torch.stack([part.square().sum() for part in vector]).sum().sqrt())


def _unit(vector: Sequence[Tensor]) -> list[Tensor]:
    norm = length(vector)
    return [part / norm for part in vector]


def _mixed_product(
    slopes: Sequence[Slopes],
    vector: Sequence[Tensor],
    weights: Sequence[Tensor],
    of: Sequence[Tensor],
) -> list[Tensor]:
    """∂/∂(of) of ⟨∂L/∂θ, v⟩, with ∂L/∂θ the mean of the batches'."""
    total = [torch.zeros_like(tensor) for tensor in of]
    for slopes_of_batch in slopes:
        pairs = zip(slopes_of_batch(), vector, strict=True)
        along = torch.stack([(slope * v).sum() for slope, v in pairs]).sum()
        if along.requires_grad:
            parts = _grad(along / len(slopes), of, retain_graph=True)
            total = [so_far + part for so_far, part in zip(total, parts, strict=True)]
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
