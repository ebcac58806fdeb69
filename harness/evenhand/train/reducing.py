"""The two plain ways in which a batch's losses become one number; others are parts of a stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.method import Reduce
from evenhand.declared.stage_parts import BoundReduction


class Still:
    """What is the same at every step."""

    def learn(self, losses: Tensor, rows: Tensor) -> None:
        return None

    def curves(self) -> dict[str, float]:
        return {}

    def tensors(self) -> dict[str, Tensor]:
        return {}


@dataclass(frozen=True)
class Mean(Still):
    """Σ ℓ / batch."""

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        return losses.mean()


@dataclass(frozen=True)
class WeightedMean(Still):
    """Σ ℓ / Σ w."""

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        return losses.sum() / weights().sum()


PLAIN: Mapping[Any, BoundReduction] = dict[Reduce, BoundReduction](
    mean=Mean(), weighted_mean=WeightedMean()
)
