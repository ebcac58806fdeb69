"""Evaluation of a network on a split: counts of its predictions and, on request, its logits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from evenhand.backbones.networks.head import effective_weights
from evenhand.declared.labels import PredictionCounts
from evenhand.pulse import pulse
from evenhand.train.checkpoints import Snapshot
from evenhand.train.clock import running_seconds
from evenhand.train.device_data import DeviceSplit
from evenhand.train.result import Diverged
from evenhand.train.training import Training

BATCH = {"cpu": 256, "cuda": 2048}
"""Images in a batch. A CPU takes few, so that they stay in its cache and memory does not peak."""


@torch.no_grad()
def evaluate(run: Training) -> Snapshot:
    """Counts [groups, labels, predictions] of each split, and the arrays that the trial keeps.

    Raises `Diverged` on logits that are not finite.
    """
    is_kept = "logits" in run.keeps
    found = {name: predict(run, split, is_kept=is_kept) for name, split in run.splits.items()}
    counts = {name: counts_of(run, run.splits[name], given) for name, given in found.items()}
    kept = {f"{k}_logits": given.logits for k, given in found.items() if given.logits is not None}
    return Snapshot(run.epoch, counts, kept | _head(run) if is_kept else {})


def evaluate_on(run: Training, split: DeviceSplit) -> PredictionCounts:
    """Counts [groups, labels, predictions] of one split, whose images are not augmented."""
    return counts_of(run, split, predict(run, split))


class Predictions(NamedTuple):
    """Predicted labels of the images of a split, in order, and the logits where they are kept."""

    labels: Int[Tensor, " n"]
    logits: Float[np.ndarray, "n classes"] | None
    scores: Float[Tensor, " n"] | None = None
    """The logits of the true classes, where they are asked for."""


@torch.no_grad()
def predict(
    run: Training, split: DeviceSplit, *, is_kept: bool = False, is_scored: bool = False
) -> Predictions:
    """Predict every image of a split in evaluation mode.

    is_kept: the logits are returned, too; is_scored: those of the true classes alone.
    Raises `Diverged` where a logit is not finite.
    """
    began = running_seconds()
    was_training = run.model.training
    run.model.eval()
    # Checked once at the end: reading a tensor waits for the GPU.
    finite = torch.ones((), dtype=torch.bool, device=run.device)
    size = BATCH[run.device.type]
    # Allocated at once: small tensors that stay alive between large ones fragment the heap.
    labels = torch.empty(len(split), dtype=torch.int64, device=run.device)
    scores = torch.empty(len(split), device=run.device) if is_scored else None
    kept = np.empty((len(split), run.shape[1]), np.float32) if is_kept else None
    for start in range(0, len(split), size):
        part = slice(start, start + size)
        # The model as it was made: a compiled network is compiled for one size of batch.
        logits = run.logits(split.pixels[part], run.model)
        finite &= torch.isfinite(logits).all()
        labels[part] = logits.argmax(1)
        if scores is not None:
            scores[part] = logits.gather(1, split.labels[part, None])[:, 0]
        if kept is not None:
            kept[part] = logits.cpu().numpy()
        pulse()
    if not bool(finite):
        raise Diverged("a logit", step=run.steps, epoch=run.epoch)
    run.model.train(was_training)
    run.eval_seconds += running_seconds() - began
    return Predictions(labels, kept, scores)


def counts_of(run: Training, split: DeviceSplit, predictions: Predictions) -> PredictionCounts:
    """Counts [groups, labels, predictions] of the predictions of a split."""
    n_groups, n_classes = run.shape
    cells = (split.groups * n_classes + split.labels) * n_classes + predictions.labels
    total = torch.bincount(cells, minlength=n_groups * n_classes**2)
    return np.asarray(total.reshape(n_groups, n_classes, n_classes).cpu().numpy())


def _head(run: Training) -> dict[str, np.ndarray]:
    """Norm of each class's weights in a linear head, and its bias; nothing for other heads.

    The arrays are copies: on a CPU, NumPy would share the memory of a bias that training changes.
    """
    head = getattr(run.model, "head", None)
    if not isinstance(head, nn.Linear):
        return {}
    weight, bias = effective_weights(head)
    found = {"weight_norms": weight.detach().float().norm(dim=1).cpu().numpy()}
    return found if bias is None else found | {"bias": bias.detach().float().cpu().numpy().copy()}
