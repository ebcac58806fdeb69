"""Focal loss: examples that are already right count less (lin2017focal, eq. 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_class import ONE, PerClass

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundFocal


@dataclass(frozen=True)
class Focal(DeclaredLoss["BoundFocal"]):
    """ℓ(f, y) = −α_y · (1 − p_y)^g · log p_y, with p = softmax(f).

    The code released with LDAM puts the weight into the cross-entropy before it forms
    p = exp(−CE), so that p is no probability of the model once α ≠ 1. Here p is the model's own.
    """

    g: float
    alpha: PerClass = ONE

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundFocal:
        """Fill in the weights for one training set; counts is [classes, groups]."""
        from evenhand.losses.kernel import BoundFocal, by_row

        return BoundFocal(self.g, by_row(self.alpha(counts.sum(1)), counts, device), len(counts))
