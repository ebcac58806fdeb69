"""What a post-hoc map is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import PostHoc as Declared
from evenhand.errors import DataError

Logits = Float[np.ndarray, "n classes"]
Predict = Callable[[Logits], Int[np.ndarray, " n"]]


@dataclass(frozen=True)
class Outputs:
    """What a network said of one split."""

    logits: Logits
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Trained:
    """What a map may know of a trained network, beside its outputs.

    counts      training examples by class and group
    head_norms  L2 norm of each class's weights in the last layer; None: it has no such layer
    head_bias   its biases; None: it has none
    """

    counts: TrainingCounts
    classes: tuple[str, ...]
    head_norms: Float[np.ndarray, " classes"] | None
    head_bias: Float[np.ndarray, " classes"] | None


@runtime_checkable
class PostHoc(Declared, Protocol):
    """A map before it is fitted; frozen and hashable."""

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """Raises `DataError` for logits that are not finite or not of these classes.

        val is None where there is no validation split. The same inputs give the same map.
        """
        ...


def checked(logits: Logits, n_classes: int) -> Logits:
    """In float64. Raises `DataError` for another number of classes, or what is not finite."""
    if logits.shape[1] != n_classes:
        raise DataError(
            f"these logits are of {logits.shape[1]} classes, and training was on {n_classes}\n"
            "  take the logits that were kept with the trained network"
        )
    broken = np.flatnonzero(~np.isfinite(logits).all(1))
    if broken.size:
        shown = ", ".join(map(str, broken[:8])) + (", …" if broken.size > 8 else "")
        raise DataError(
            f"the logits of {broken.size} of {len(logits)} images are not finite: {shown}\n"
            "  the network diverged: train it again with a lower rate, or leave it out"
        )
    return logits.astype(np.float64)
