"""Focal loss, which reduces the weight of well-classified examples (lin2017focal, eq. 5)."""

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

    The code released with LDAM weights the cross-entropy before it computes p = exp(−CE), so that p
    is not a probability of the model where α ≠ 1. Here p is the probability of the model.
    """

    g: float
    """Focusing exponent; 0 gives weighted cross-entropy."""
    alpha: PerClass = ONE
    """Weight of an example of each class."""

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundFocal:
        """Fill in the weights for one training set; counts is [classes, groups]."""
        from evenhand.losses.kernel import BoundFocal, by_row

        return BoundFocal(self.g, by_row(self.alpha(counts.sum(1)), counts, device), len(counts))
