"""Inputs and outputs of a post-hoc method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import PostHoc as Declared
from evenhand.errors import DataError
from evenhand.metrics import Outputs

Logits = Float[np.ndarray, "n classes"]
Predict = Callable[[Logits], Int[np.ndarray, " n"]]


@dataclass(frozen=True)
class ByLogits:
    """A prediction that is the largest of adjusted logits, whose softmax are its probabilities."""

    adjust: Callable[[Logits], Logits]
    """The adjusted logits of logits."""

    def __call__(self, logits: Logits) -> Int[np.ndarray, " n"]:
        """The predicted labels."""
        return np.asarray(self.adjust(logits).argmax(1))


@dataclass(frozen=True)
class Trained:
    """Facts of a trained network that a post-hoc method can use besides its outputs."""

    counts: TrainingCounts
    """Training examples by class and group."""
    classes: tuple[str, ...]
    """Names of the classes."""
    head_norms: Float[np.ndarray, " classes"] | None
    """L2 norm of each class's weights in the last layer; None without a linear last layer."""
    head_bias: Float[np.ndarray, " classes"] | None
    """Biases of the last layer; None without biases."""


@runtime_checkable
class PostHoc(Declared, Protocol):
    """Declaration of a post-hoc method, with its fit."""

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """The prediction for logits, fitted on the validation split `val`, None if there is none.

        Equal inputs give equal predictions. Raises `DataError` for logits that are not finite or
        have another number of classes. A `ByLogits` has class probabilities, too; for other
        predictions metrics of probabilities are undefined.
        """
        ...


def checked(logits: Logits, n_classes: int) -> Logits:
    """Logits in float64. Raises `DataError` for other numbers of classes, or if not finite."""
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
