"""Convex combination of two losses (li2021autobalance, Sec. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundMixture


@dataclass(frozen=True)
class Mixture(DeclaredLoss["BoundMixture"]):
    """share · first + (1 − share) · second, for two losses that draw no random numbers."""

    first: DeclaredLoss[Any]
    """Loss with the weight `share`."""
    second: DeclaredLoss[Any]
    """Loss with the weight 1 − `share`."""
    share: float
    """Weight of the first loss, in [0, 1]."""

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundMixture:
        """Bind both losses to one training set; counts is [classes, groups]."""
        from evenhand.losses.kernel import BoundMixture

        first, second = self.first.bind(counts, device), self.second.bind(counts, device)
        return BoundMixture(first, second, self.share)
