"""Two losses added up: share · first + (1 − share) · second (li2021autobalance, Sec. 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import BoundLoss, Loss

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """share · first + (1 − share) · second; share in [0, 1]. Neither may draw random numbers."""

    first: Loss
    second: Loss
    share: float

    def bind(self, counts: TrainingCounts, device: torch.device | str) -> BoundMixture:
        """Both, for one training set; counts is [classes, groups]."""
        first, second = self.first.bind(counts, device), self.second.bind(counts, device)
        return BoundMixture(first, second, self.share)


@dataclass(frozen=True)
class BoundMixture:
    """Two losses for one training set."""

    first: BoundLoss
    second: BoundLoss
    share: float

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """Loss of each example [batch], in nats."""
        first, second = (loss(logits, labels, rows) for loss in (self.first, self.second))
        return self.share * first + (1 - self.share) * second

    def weights(self, rows: Tensor) -> Tensor:
        """Weight of each example: the losses' own, mixed alike."""
        return self.share * self.first.weights(rows) + (1 - self.share) * self.second.weights(rows)
