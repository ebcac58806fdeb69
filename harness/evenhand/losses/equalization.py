"""The softmax Equalized loss: rare classes are spared as negatives (tan2020equalization).

    ℓ(f, y) = −log( e^f_y / Σ_c w_c e^f_c ),   w_c = 0 or 1 − gamma for a rare c ≠ y, else 1

c is rare where π_c < threshold. The paper draws w_c = 0 with probability gamma, for each example
and class; with the mean of the draws, 1 − gamma, the loss is a margin on logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_class import ClassCounts, present

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundEqualized


@dataclass(frozen=True)
class Equalized(DeclaredLoss["BoundEqualized"]):
    """The published loss: a rare negative is left out with probability gamma, drawn each time."""

    threshold: float
    gamma: float

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundEqualized:
        """Find the rare classes of one training set; counts is [classes, groups]."""
        import torch

        from evenhand.losses.kernel import BoundEqualized

        is_rare = torch.tensor(rare(counts.sum(1), self.threshold), device=device)
        return BoundEqualized(self.gamma, is_rare, counts.shape[1])


@dataclass(frozen=True)
class RareNegatives:
    """Δ_yc = log(1 − gamma) for c ≠ y with π_c < threshold, else 0; gamma in [0, 1).

    An example of another class weighs a rare one 1 − gamma in the softmax's normaliser.
    """

    threshold: float
    gamma: float

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]:
        shift = np.where(rare(counts, self.threshold), np.log1p(-self.gamma), 0.0)
        return np.asarray(np.where(np.eye(counts.size, dtype=bool), 0.0, shift))


def rare(counts: ClassCounts, threshold: float) -> Bool[np.ndarray, " classes"]:
    """Whether a class is rarer than this share of the training examples."""
    n = present(counts)
    return np.asarray(n / n.sum() < threshold)
