"""The two reductions of a batch's losses that have no state; others are parts of a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.method import Reduce
from evenhand.declared.stage_parts import BoundReduction
from evenhand.losses.reduction_kernel import Stateless


@dataclass(frozen=True)
class Mean(Stateless):
    """Σ ℓ / batch."""

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        return losses.mean()


@dataclass(frozen=True)
class WeightedMean(Stateless):
    """Σ ℓ / Σ w."""

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        return losses.sum() / weights().sum()


STATELESS: Mapping[Any, BoundReduction] = dict[Reduce, BoundReduction](
    mean=Mean(), weighted_mean=WeightedMean()
)
"""Stateless reductions by the name that a stage gives in `reduce`."""
