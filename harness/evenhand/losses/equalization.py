"""Softmax Equalized loss, which drops rare classes from the softmax of other classes' examples.

    ℓ(f, y) = −log( e^f_y / Σ_c w_c e^f_c ),   w_c = 0 or 1 − gamma for a rare c ≠ y, else 1

A class c is rare where π_c < threshold. In tan2020equalization, w_c = 0 is drawn with probability
gamma for each example and class. If w_c is replaced by its expectation 1 − gamma,
the loss becomes an additive margin on the logits.
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
    """Equalized loss as published, which drops rare classes at random at every call."""

    threshold: float
    """Share of the training examples below which a class is rare."""
    gamma: float
    """Probability of dropping a rare class from the softmax of an example of another class."""

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundEqualized:
        """Find the rare classes of one training set; counts is [classes, groups]."""
        import torch

        from evenhand.losses.kernel import BoundEqualized

        is_rare = torch.tensor(rare(counts.sum(1), self.threshold), device=device)
        return BoundEqualized(self.gamma, is_rare, counts.shape[1])


@dataclass(frozen=True)
class RareNegatives:
    """Δ_yc = log(1 − gamma) for c ≠ y with π_c < threshold, else 0.

    A rare class has the factor 1 − gamma in the softmax denominator of examples of other classes.
    """

    threshold: float
    """Share of the training examples below which a class is rare."""
    gamma: float
    """Reduction of the factor, in [0, 1)."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]:
        shift = np.where(rare(counts, self.threshold), np.log1p(-self.gamma), 0.0)
        return np.asarray(np.where(np.eye(counts.size, dtype=bool), 0.0, shift))


def rare(counts: ClassCounts, threshold: float) -> Bool[np.ndarray, " classes"]:
    """Whether the share of each class in the training examples is below the threshold."""
    n = present(counts)
    return np.asarray(n / n.sum() < threshold)
