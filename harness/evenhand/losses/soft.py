"""A loss on class probabilities in place of labels: Σ_y t_y(x) · ℓ(y, s(x)).

So a student learns from its teacher (narasimhan2021training, Sec. 6). It works for every loss,
because it asks for the loss of every class in turn, at the price of classes × classes numbers an
example: 40 kB at 100 classes, 4 MB at 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.method import BoundLoss


@dataclass(frozen=True)
class SoftLabels:
    """Any loss, for one training set with this many groups."""

    loss: BoundLoss
    n_groups: int

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats; of a row its group alone is read."""
        labels, each = self._every_class(targets, rows)
        losses = self.loss(logits.repeat_interleave(targets.shape[1], 0), labels, rows=each)
        return (targets * losses.reshape(targets.shape)).sum(1)

    def weights(
        self, targets: Float[Tensor, "batch classes"], rows: Int[Tensor, " batch"]
    ) -> Float[Tensor, " batch"]:
        """Weight of each example: the mean over its classes."""
        _, each = self._every_class(targets, rows)
        return (targets * self.loss.row_weights(each).reshape(targets.shape)).sum(1)

    def _every_class(
        self, targets: Float[Tensor, "batch classes"], rows: Int[Tensor, " batch"]
    ) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
        """Label and row of every example as one of every class."""
        n, m = targets.shape
        labels = torch.arange(m, device=rows.device).repeat(n)
        groups = (rows % self.n_groups).repeat_interleave(m)
        return labels, labels * self.n_groups + groups
