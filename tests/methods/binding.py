"""Losses and reductions as a test binds them."""

from __future__ import annotations

import torch

from evenhand.declared.labels import TrainingCounts
from evenhand.declared.loss import BoundLoss, Loss, StochasticLoss
from evenhand.declared.method import Stage
from evenhand.declared.stage_parts import BoundReduction, Reduction


def bound(loss: Loss, counts: TrainingCounts) -> BoundLoss:
    """The loss for these counts; if it draws, from a generator of its own, always the same."""
    made = loss.bind(counts, "cpu")
    if isinstance(made, StochasticLoss):
        return made.drawing_from(torch.Generator().manual_seed(0))
    return made


def reduction_of(stage: Stage, counts: TrainingCounts) -> BoundReduction:
    """What the stage reduces by, for classes a, b, … and groups x, y, …"""
    assert isinstance(stage.reduce, Reduction)
    classes, groups = "abcdefgh"[: counts.shape[0]], "xyz"[: counts.shape[1]]
    return stage.reduce.bind(counts, "cpu", classes=tuple(classes), groups=tuple(groups))
