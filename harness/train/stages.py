"""A method's stages, with everything filled in that depends on the training set and the recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.data.splits import ProblemData
from harness.losses.soft import SoftLabels
from harness.spec.method import BoundController, BoundLoss, Counts, Drawing, Stage
from harness.train.sam import Step


@dataclass(frozen=True)
class Material:
    """What stages are bound to.

    known       [classes, groups] what losses take for the training counts: those, or the sums of a
                teacher's class probabilities (narasimhan2021training, Sec. 6: the priors in the
                gains are the teacher's)
    randomness  what a loss draws from that draws
    """

    data: ProblemData
    known: Counts
    randomness: torch.Generator


@dataclass(frozen=True)
class BoundStage:
    """A stage, bound. weights are those by which its sampler draws examples, if it does."""

    spec: Stage
    loss: BoundLoss
    soft: SoftLabels
    weights: Float[np.ndarray, " n"] | None
    controller: BoundController | None
    first_epoch: int
    step: Step

    @classmethod
    def of(
        cls, stage: Stage, material: Material, device: torch.device, *, first_epoch: int, step: Step
    ) -> BoundStage:
        data, known = material.data, material.known
        weights = stage.sampler.weights(data.counts)
        if weights is not None:
            weights = np.asarray(weights, np.float64)[data.train.labels, data.train.groups]
        loss = stage.loss.bind(known, device)
        if isinstance(loss, Drawing):
            loss = loss.drawing_from(material.randomness)
        controller = None
        if stage.controller:
            controller = stage.controller.bind(
                loss,
                data.counts,
                known / known.sum(),
                classes=data.summary.classes,
                groups=data.summary.groups,
            )
        soft = SoftLabels(loss, data.counts.shape[1])
        return cls(stage, loss, soft, weights, controller, first_epoch, step)

    def batch_loss(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        targets: Float[Tensor, "batch classes"] | None,
    ) -> Float[Tensor, ""]:
        """The mean over the batch; by total weight where the stage says so.

        targets are class probabilities in place of the labels.
        """
        if targets is None:
            losses = self.loss(logits, labels, rows)
        else:
            losses = self.soft(logits, targets, rows)
        if self.spec.reduce == "mean":
            return losses.mean()
        weights = self.loss.weights(rows) if targets is None else self.soft.weights(targets, rows)
        return losses.sum() / weights.sum()
