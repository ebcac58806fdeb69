"""Tensor code of label-aware smoothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.losses.bound import BoundExampleLoss, Shape
from evenhand.losses.kernel import upcast


@dataclass(frozen=True)
class BoundLabelAware(BoundExampleLoss):
    """Label-aware smoothing, bound to one training set."""

    moved: Float[Tensor, " rows"]
    """Probability that each row's target gives to the other classes together."""
    n_classes: int
    """Number of classes."""

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(self.n_classes, len(self.moved) // self.n_classes)

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        log_p = F.log_softmax(upcast(logits), dim=1)
        own = log_p.gather(1, labels[:, None])[:, 0]
        others = (log_p.sum(1) - own) / (self.n_classes - 1)
        moved = self.moved[rows]
        return -(1 - moved) * own - moved * others

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example, which is 1."""
        return self.moved.new_ones(len(rows))
