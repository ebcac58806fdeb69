"""A method's stages, with everything filled in that depends on the training set and the recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.data.splits import ProblemData
from harness.spec.method import BoundLoss, Stage
from harness.train.sam import Step


@dataclass(frozen=True)
class BoundStage:
    """A stage, bound. weights are those by which its sampler draws examples, if it does."""

    loss: BoundLoss
    weighted_mean: bool
    weights: Float[np.ndarray, " n"] | None
    first_epoch: int
    step: Step

    @classmethod
    def of(
        cls, stage: Stage, data: ProblemData, device: torch.device, *, first_epoch: int, step: Step
    ) -> BoundStage:
        weights = stage.sampler.weights(data.counts)
        if weights is not None:
            weights = np.asarray(weights, np.float64)[data.train.labels, data.train.groups]
        loss = stage.loss.bind(data.counts, device)
        return cls(loss, stage.reduce == "weighted_mean", weights, first_epoch, step)

    def batch_loss(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, ""]:
        """The mean over the batch; by total weight where the stage says so."""
        losses = self.loss(logits, labels, rows)
        if self.weighted_mean:
            return losses.sum() / self.loss.weights(rows).sum()
        return losses.mean()
