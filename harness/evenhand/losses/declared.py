"""What every declared loss shares: it is bound to class counts in any form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import LossError

if TYPE_CHECKING:
    import torch

    from evenhand.losses.bound import BoundExampleLoss

Bound = TypeVar("Bound", bound="BoundExampleLoss")


class DeclaredLoss(ABC, Generic[Bound]):
    """A loss before any data set is known: frozen, hashable, without tensors."""

    def bind(self, counts: Any, device: torch.device | str = "cpu") -> Bound:
        """The loss for a training set of these counts.

        counts is a list, array or tensor of training examples, of shape [classes] or
        [classes, groups]. The bound loss is called with (logits, labels), and with (logits,
        labels, groups) where the counts have groups.

        Raises `LossError` where counts are not that, and `DataError` where the loss needs the
        frequency of a class or cell that has no example.
        """
        return self._bound(training_counts(counts), device)

    @abstractmethod
    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> Bound:
        """The loss for checked counts [classes, groups]."""


def training_counts(counts: Any) -> TrainingCounts:
    """Counts of a list, array or tensor as an array [classes, groups].

    Raises `LossError` for other shapes, for fewer than two classes, and for what is negative or not
    a finite number.

    >>> training_counts([500, 50, 5]).shape
    (3, 1)
    """
    if hasattr(counts, "index") and hasattr(counts, "to_numpy"):
        if list(counts.index) != list(range(len(counts))):
            raise LossError(
                "counts of a pandas object are in class order, with the index 0, 1, 2, …; this one "
                f"has {list(counts.index)[:6]}\n  sort it by class: counts.sort_index()"
            )
        counts = counts.to_numpy()
    if isinstance(counts, np.ma.MaskedArray):
        raise LossError("counts are not masked; fill the masked entries")
    if hasattr(counts, "detach"):
        counts = counts.detach().cpu()
        counts = (counts.double() if counts.is_floating_point() else counts).numpy()
    try:
        found = np.asarray(counts)
    except ValueError:
        raise LossError("counts have rows of different lengths; write [classes, groups]") from None
    if found.dtype.kind not in "iuf":
        raise LossError(f"counts are numbers of training examples; these are {found.dtype}")
    if found.ndim not in (1, 2) or found.shape[0] < 2 or found.size == 0:
        raise LossError(
            "counts are of shape [classes] or [classes, groups] with at least two classes; "
            f"these are {list(found.shape)}"
        )
    if not np.isfinite(found).all() or (found < 0).any():
        wrong = found[~np.isfinite(found) | (found < 0)]
        raise LossError(f"counts are finite and not negative; one of them is {wrong[0]}")
    if found.dtype.kind == "f":
        found = found.astype(np.float64)
    return found[:, None] if found.ndim == 1 else found
