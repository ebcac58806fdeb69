"""Declarations of controllers, which update the loss of a stage by held-out data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import Labels, PredictionCounts, TrainingCounts
from evenhand.declared.loss import BoundLoss, Loss

Iterate = Literal["last", "averaged", "best"]


@runtime_checkable
class BoundController(Protocol):
    """A controller for one training set, with its state."""

    def update(self, predicted: PredictionCounts) -> None:
        """Update the state and the loss by the network's counts on held-out data."""
        ...

    def merit(self, predicted: PredictionCounts) -> tuple[float, float]:
        """Quality of held-out counts; the larger tuple is better."""
        ...

    def curves(self) -> dict[str, float]:
        """Values to log after an epoch, by name."""
        ...

    def values(self) -> dict[str, Float[np.ndarray, " values"]]:
        """Copies of the values that updates change, by name; the record states their movement."""
        ...

    def state(self) -> dict[str, Any]:
        """The state for a checkpoint, as plain containers and tensors."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state, and set the loss by it."""
        ...


@runtime_checkable
class Controller(Protocol):
    """Declaration of a controller, which updates the loss of a stage by held-out data."""

    @property
    def every(self) -> int:
        """Steps of the optimiser between two updates; the first update precedes the first step."""
        ...

    @property
    def iterate(self) -> Iterate:
        """Network that is evaluated.

        "last" is the current network, "best" the one with the largest `merit` at an update, and
        "averaged" a classifier that draws one of the networks of all updates for each image, whose
        counts add up to images × networks.
        """
        ...

    def check(self, loss: Loss, labels: Labels) -> None:
        """Check loss and labels before anything trains. Raises `SpecError`."""
        ...

    def bind(
        self,
        loss: BoundLoss,
        counts: TrainingCounts,
        shares: Float[np.ndarray, "classes groups"],
        *,
        classes: Sequence[str],
        groups: Sequence[str],
    ) -> BoundController:
        """The controller for one training set.

        shares [classes, groups] are the priors by which gains divide: those of the counts, or for a
        student those of its teacher's predictions.
        """
        ...
