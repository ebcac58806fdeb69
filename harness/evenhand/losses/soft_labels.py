"""Expected loss under soft labels: Σ_y t_y(x) · ℓ(y, s(x)).

Knowledge distillation uses it with the class probabilities of a teacher (narasimhan2021training,
Sec. 6). It applies to every loss, because the loss is evaluated for each class as the label. This
takes classes × classes numbers for each example: 40 kB at 100 classes, 4 MB at 1,000.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.loss import BoundLoss


@dataclass(frozen=True)
class SoftLabels:
    """A bound loss that takes class probabilities in place of labels."""

    loss: BoundLoss
    """The loss with labels."""
    n_groups: int
    """Number of groups of the training set."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats; rows are used for the group only."""
        labels, each = self._every_class(targets, rows)
        losses = self.loss(logits.repeat_interleave(targets.shape[1], 0), labels, rows=each)
        return (targets * losses.reshape(targets.shape)).sum(1)

    def weights(
        self, targets: Float[Tensor, "batch classes"], rows: Int[Tensor, " batch"]
    ) -> Float[Tensor, " batch"]:
        """Weight of each example: the expectation over its class probabilities."""
        _, each = self._every_class(targets, rows)
        return (targets * self.loss.row_weights(each).reshape(targets.shape)).sum(1)

    def _every_class(
        self, targets: Float[Tensor, "batch classes"], rows: Int[Tensor, " batch"]
    ) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
        """Label and row of each (example, class) pair."""
        n, m = targets.shape
        labels = torch.arange(m, device=rows.device).repeat(n)
        groups = (rows % self.n_groups).repeat_interleave(m)
        return labels, labels * self.n_groups + groups
