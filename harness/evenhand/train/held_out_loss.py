"""Loss on held-out data that the upper level of a bilevel search descends, and its gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.labels import TrainingCounts
from evenhand.losses.reduction_kernel import gaps
from evenhand.train.replay import Replay


class Slope(NamedTuple):
    """Held-out loss at the current weights, and its gradient."""

    value: float
    gradient: list[Tensor]


def held_out_slope(
    replay: Replay, weights: Sequence[Tensor], counts: TrainingCounts, spec: Hypergradient
) -> Slope:
    """The loss and ∂L_val/∂θ over all drawn batches, for held-out counts [classes, groups]."""
    if spec.objective == "batch_weighted":
        return _by_batch(replay, weights, counts, spec)
    return _over_batches(replay, weights, counts.shape, spec)


def _over_batches(
    replay: Replay, weights: Sequence[Tensor], shape: tuple[int, ...], spec: Hypergradient
) -> Slope:
    """The loss over all batches together, in two passes: the first gives each cell's weight."""
    sums = torch.zeros(math.prod(shape), device=weights[0].device)
    n = torch.zeros_like(sums)
    with torch.no_grad():
        for losses, rows in replay.held_out():
            sums.index_add_(0, rows, losses)
            n.index_add_(0, rows, torch.ones_like(losses))
    means = (sums / n.clamp_min(1)).requires_grad_()
    value = objective(means.reshape(shape), n.reshape(shape), spec)
    (gradients,) = torch.autograd.grad(value, means)
    by_example = gradients / n.clamp_min(1)
    total = [torch.zeros_like(w) for w in weights]
    for losses, rows in replay.held_out():
        total = _added(total, (by_example[rows] * losses).sum(), weights)
    return Slope(value.item(), total)


def _by_batch(
    replay: Replay, weights: Sequence[Tensor], counts: TrainingCounts, spec: Hypergradient
) -> Slope:
    """The mean over batches of each batch's weighted mean, in which a class weighs 1 / n_c."""
    of_class = torch.as_tensor(counts.sum(1), dtype=torch.float32, device=weights[0].device)
    total, value = [torch.zeros_like(w) for w in weights], 0.0
    for losses, rows in replay.held_out():
        weight = 1 / of_class[rows // counts.shape[1]]
        balanced = (weight * losses).sum() / weight.sum()
        loss = spec.ce_share * losses.mean() + (1 - spec.ce_share) * balanced
        total = _added(total, loss / len(replay.val), weights)
        value += loss.item() / len(replay.val)
    return Slope(value, total)


def _added(total: list[Tensor], loss: Tensor, weights: Sequence[Tensor]) -> list[Tensor]:
    found = torch.autograd.grad(loss, weights, materialize_grads=True)
    return [a + b for a, b in zip(total, found, strict=True)]


def objective(
    means: Float[Tensor, "classes groups"], n: Float[Tensor, "classes groups"], spec: Hypergradient
) -> Float[Tensor, ""]:
    """ce_share · CE + (1 − ce_share) · objective, from the mean cross-entropy of each cell.

    n are the numbers of images that the means are over; a cell without any does not count.
    """
    plain = (means * n).sum() / n.sum()
    rest = _OBJECTIVES[spec.objective](means, n)
    return spec.ce_share * plain + (1 - spec.ce_share) * rest


def _balanced(means: Tensor, n: Tensor) -> Tensor:
    of_class = n.sum(1)
    each = (means * n).sum(1) / of_class.clamp_min(1)
    return each.sum() / (of_class > 0).sum()


def _group_balanced(means: Tensor, n: Tensor) -> Tensor:
    return (means * (n > 0)).sum() / (n > 0).sum()


def _deo(means: Tensor, n: Tensor) -> Tensor:
    return gaps(means, n > 0).sum()


_OBJECTIVES = {"balanced": _balanced, "group_balanced": _group_balanced, "deo": _deo}
