"""Declarations of losses, and the bound losses of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import TrainingCounts

if TYPE_CHECKING:
    from torch import Generator, Tensor


@runtime_checkable
class BoundLoss(Protocol):
    """Loss of each example for one training set, in nats and not reduced.

    rows   [batch], the (label, group) cell of each example: label · n_groups + group
    """

    def __call__(self, logits: Tensor, labels: Tensor, *, rows: Tensor) -> Tensor:
        """Loss of each example [batch], from logits [batch, classes] and labels [batch]."""
        ...

    def row_weights(self, rows: Tensor) -> Tensor:
        """Weight of each example [batch]; the divisor of `reduce="weighted_mean"` is their sum."""
        ...


@runtime_checkable
class StochasticLoss(Protocol):
    """A bound loss that draws random numbers."""

    def drawing_from(self, generator: Generator) -> BoundLoss:
        """The loss with this generator, which lies on the device of the loss's tensors."""
        ...


@runtime_checkable
class ScalingLoss(Protocol):
    """Declaration of a loss −α_s · log softmax(β_s ⊙ f + Δ_s)_y for cells s of class and group."""

    def written_out(self, counts: TrainingCounts) -> tuple[Float[np.ndarray, " *cells"], ...]:
        """α [classes, groups], β and Δ [classes, groups, classes] for one training set."""
        ...


@runtime_checkable
class Loss(Protocol):
    """Declaration of a loss."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundLoss:
        """The loss for a training set with these counts [classes, groups]."""
        ...
