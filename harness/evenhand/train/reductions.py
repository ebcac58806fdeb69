"""The two reductions of a batch's losses that have no state; others are parts of a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.method import Reduce
from evenhand.declared.stage_parts import BoundReduction


class Stateless:
    """The methods of a reduction that does not change during training."""

    def learn(self, losses: Tensor, rows: Tensor) -> None:
        """Do nothing: there is no state to update."""
        return

    def curves(self) -> dict[str, float]:
        """Empty: there are no curves."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """Empty: there is no state to save."""
        return {}


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
