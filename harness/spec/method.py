"""A method is a short list of stages plus a head; each stage is a loss and a sampler.

Everything comes twice: what stands here is the declaration, and its `bind` makes the tensors
inside the worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from torch import Tensor

Head = Literal["linear", "cosine"]
Reduce = Literal["mean", "weighted_mean"]
Counts = Int[np.ndarray, "classes groups"]


@runtime_checkable
class BoundLoss(Protocol):
    """Per-example loss and weight, in nats, not reduced.

    rows holds label * n_groups + group of each example: the cell of the counts it belongs to.
    """

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor: ...

    def weights(self, rows: Tensor) -> Tensor:
        """What `Stage.reduce = "weighted_mean"` divides by, summed over the batch."""
        ...


@runtime_checkable
class Loss(Protocol):
    """A loss before any dataset is known."""

    def bind(self, counts: Counts, device: Any) -> BoundLoss:
        """Fill in what depends on the training counts [classes, groups]."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Which training examples make up an epoch."""

    def weights(self, counts: Counts) -> Float[np.ndarray, "classes groups"] | None:
        """Relative probability of drawing one example of each cell, with replacement.

        None: every example exactly once, in random order.
        """
        ...


@dataclass(frozen=True)
class EveryExample:
    """Each example once an epoch, shuffled."""

    def weights(self, counts: Counts) -> None:
        return None


@dataclass(frozen=True)
class Stage:
    """A stretch of training under one loss.

    until is the fraction of all epochs at which the stage ends; None: the end of training.
    reduce names how a batch's losses become one number: "mean" divides by the batch's size, as the
    papers' formulas do; "weighted_mean" by its total weight, as PyTorch's `weight=` and every
    released code of the re-weighting papers do.
    """

    loss: Loss
    sampler: Sampler = field(default_factory=EveryExample)
    until: float | None = None
    reduce: Reduce = "mean"


@dataclass(frozen=True, init=False)
class Method:
    """A short list of stages, in order, and the head that the loss needs."""

    stages: tuple[Stage, ...]
    head: Head

    def __init__(self, *stages: Stage, head: Head = "linear") -> None:
        borders = [stage.until for stage in stages]
        inner = [until for until in borders[:-1] if until is not None]
        assert borders[-1:] == [None], "the last stage lasts to the end"
        assert len(inner) == len(borders) - 1, "every stage but the last says where it ends"
        assert inner == sorted(inner), "stages follow in order"
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "head", head)

    def first_epochs(self, epochs: int) -> tuple[int, ...]:
        """The 0-based epoch at which each stage begins: 0.8 of 200 epochs is epoch 160."""
        borders = [stage.until for stage in self.stages if stage.until is not None]
        return (0, *(round(until * epochs) for until in borders))
