"""What a network says of a split: counts of its predictions and, on request, its logits."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from evenhand.declared.labels import PredictionCounts
from evenhand.train.checkpoints import Snapshot
from evenhand.train.device_data import Placed
from evenhand.train.outcome import Diverged
from evenhand.train.training import Training

BATCH = {"cpu": 256, "cuda": 2048}
"""Images at a time. On a CPU few, so that they stay in its cache and memory does not peak."""


@torch.no_grad()
def evaluate(run: Training) -> Snapshot:
    """counts[group, label, prediction] of each split, and what the trial keeps of the network.

    Raises `Diverged` on logits that are not finite.
    """
    is_kept = "logits" in run.keeps
    seen = {name: look(run, split, is_kept=is_kept) for name, split in run.splits.items()}
    counts = {name: _counts(run, run.splits[name], said) for name, said in seen.items()}
    kept = {f"{k}_logits": said.logits for k, said in seen.items() if said.logits is not None}
    return Snapshot(run.epoch, counts, kept | _head(run) if is_kept else {})


def evaluate_on(run: Training, split: Placed) -> PredictionCounts:
    """The counts of one split; the training images are seen as they are, without augmentation."""
    return _counts(run, split, look(run, split))


class Said(NamedTuple):
    """What a network says of the images of a split, in order; its logits where they are kept."""

    predictions: Int[Tensor, " n"]
    logits: Float[np.ndarray, "n classes"] | None


@torch.no_grad()
def look(run: Training, split: Placed, *, is_kept: bool = False) -> Said:
    """Every image of a split. Raises `Diverged` where a logit is not finite."""
    began = time.perf_counter()
    was_training = run.model.training
    run.model.eval()
    finite = torch.ones((), dtype=torch.bool, device=run.device)
    size = BATCH[run.device.type]
    predictions, kept = [], []
    for start in range(0, len(split), size):
        logits = run.logits(split.pixels[start : start + size], run.model)
        finite &= torch.isfinite(logits).all()
        predictions.append(logits.argmax(1))
        if is_kept:
            kept.append(logits.cpu().numpy())
    if not bool(finite):
        raise Diverged("a logit", step=run.steps, epoch=run.epoch)
    run.model.train(was_training)
    run.eval_seconds += time.perf_counter() - began
    return Said(torch.cat(predictions), np.concatenate(kept) if kept else None)


def _counts(run: Training, split: Placed, said: Said) -> PredictionCounts:
    n_groups, n_classes = run.shape
    cells = (split.groups * n_classes + split.labels) * n_classes + said.predictions
    total = torch.bincount(cells, minlength=n_groups * n_classes**2)
    return np.asarray(total.reshape(n_groups, n_classes, n_classes).cpu().numpy())


def _head(run: Training) -> dict[str, np.ndarray]:
    """Length of each class's weights in a linear last layer, and its bias."""
    head = getattr(run.model, "head", None)
    if not isinstance(head, nn.Linear):
        return {}
    norms = {"head_norms": head.weight.detach().float().norm(dim=1).cpu().numpy()}
    bias = {} if head.bias is None else {"head_bias": head.bias.detach().float().cpu().numpy()}
    return norms | bias
