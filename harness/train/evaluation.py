"""Counts of what a network predicts, split by split."""

from __future__ import annotations

import time

import numpy as np
import torch

from harness.spec.record import Split
from harness.train.checkpoints import Counts
from harness.train.outcome import Diverged
from harness.train.placed import Placed
from harness.train.training import Training

BATCH = {"cpu": 256, "cuda": 2048}
"""Images at a time. On a CPU few, so that they stay in its cache and memory does not peak."""


@torch.no_grad()
def evaluate(run: Training) -> dict[Split, Counts]:
    """counts[group, label, prediction] of each split. Raises `Diverged` on logits not finite."""
    began = time.perf_counter()
    run.model.eval()
    counts = {name: _count(run, split) for name, split in run.splits.items()}
    run.eval_seconds += time.perf_counter() - began
    return counts


@torch.no_grad()
def evaluate_train(run: Training) -> Counts:
    """As `evaluate`, of the training images as they are, without augmentation."""
    began = time.perf_counter()
    run.model.eval()
    counts = _count(run, run.train)
    run.eval_seconds += time.perf_counter() - began
    return counts


def _count(run: Training, split: Placed) -> Counts:
    n_groups, n_classes = run.shape
    total = torch.zeros(n_groups * n_classes**2, dtype=torch.int64, device=run.device)
    finite = torch.ones((), dtype=torch.bool, device=run.device)
    size = BATCH[run.device.type]
    for start in range(0, len(split), size):
        part = slice(start, start + size)
        logits = run.logits(split.pixels[part], run.model)
        finite &= torch.isfinite(logits).all()
        cells = (split.groups[part] * n_classes + split.labels[part]) * n_classes
        total += torch.bincount(cells + logits.argmax(1), minlength=len(total))
    if not bool(finite):
        raise Diverged("a logit", step=run.steps, epoch=run.epoch)
    return np.asarray(total.reshape(n_groups, n_classes, n_classes).cpu().numpy())
