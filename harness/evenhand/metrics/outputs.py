"""Logits of a network on one split, and the class probabilities that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from evenhand.errors import MetricError


@dataclass(frozen=True)
class Outputs:
    """Logits of a network on one split, with labels and groups.

    >>> seen = Outputs(np.array([[2.0, 0.0]]), labels=np.array([0]), groups=np.array([0]))
    >>> seen.probabilities.round(3)
    array([[0.881, 0.119]])
    """

    logits: Float[np.ndarray, "n classes"]
    """Logits."""
    labels: Int[np.ndarray, " n"]
    """Labels."""
    groups: Int[np.ndarray, " n"]
    """Groups; 0 without groups."""

    @cached_property
    def log_probabilities(self) -> Float[np.ndarray, "n classes"]:
        """Logarithm of the softmax, in float64; finite for all finite logits."""
        # The shift by the maximum makes the largest exponent 0, so that no sum overflows.
        logits = self.logits.astype(np.float64)
        shifted = logits - logits.max(1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))

    @cached_property
    def probabilities(self) -> Float[np.ndarray, "n classes"]:
        """The softmax of the logits, in float64."""
        return np.asarray(np.exp(self.log_probabilities))

    @cached_property
    def confidences(self) -> Float[np.ndarray, " n"]:
        """Probability of the predicted class of each example."""
        return np.asarray(self.probabilities.max(1))

    @cached_property
    def is_correct(self) -> Float[np.ndarray, " n"]:
        """1.0 where the prediction is the label, otherwise 0.0."""
        return np.asarray(self.logits.argmax(1) == self.labels, dtype=np.float64)


def outputs(logits: Any, labels: Any, groups: Any = None) -> Outputs:
    """Outputs from lists, arrays or tensors of logits [n, classes], labels [n] and groups [n].

    Tensors may have any floating-point type, bfloat16 included.

    Raises `MetricError` where the shapes do not fit, a logit is not finite, or a label is no class.

    >>> outputs([[2.0, 0.0], [0.0, 1.0]], [0, 1]).is_correct
    array([1., 1.])
    """
    try:
        values = np.asarray(_array(logits), dtype=np.float64)
        known, cells = _array(labels), None if groups is None else _array(groups)
    except ValueError as error:
        raise MetricError(
            f"logits are numbers of shape [n, classes], labels and groups of shape [n]; {error}"
        ) from None
    if values.ndim != 2 or not values.size or known.shape != values.shape[:1]:
        raise MetricError(
            f"logits are of shape [n, classes] and labels of shape [n]; these are of shapes "
            f"{list(values.shape)} and {list(known.shape)}"
        )
    if not np.isfinite(values).all():
        raise MetricError("a logit is not finite; metrics of probabilities need finite logits")
    if known.dtype.kind not in "iu" or known.min() < 0 or known.max() >= values.shape[1]:
        raise MetricError(
            f"labels are whole numbers from 0 to {values.shape[1] - 1}, since the logits have "
            f"{values.shape[1]} classes; these are {known.dtype} from {known.min()} to "
            f"{known.max()}"
        )
    if cells is not None and (cells.shape != known.shape or cells.dtype.kind not in "iu"):
        raise MetricError(
            f"groups are whole numbers, one for each of the {known.size} examples; these are "
            f"{cells.dtype} of shape {list(cells.shape)}"
        )
    return Outputs(values, known, np.zeros_like(known) if cells is None else cells)


def _array(values: Any) -> np.ndarray:
    if not hasattr(values, "detach"):
        return np.asarray(values)
    tensor = values.detach().cpu()
    # NumPy has no bfloat16; float64 holds every value of the shorter types.
    return np.asarray(tensor.double() if tensor.is_floating_point() else tensor)
