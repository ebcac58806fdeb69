"""Which training examples make up an epoch. `spec.method.EveryExample` is the usual one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import DataError


@dataclass(frozen=True)
class ClassWeighted:
    """Draw with replacement; an example of class y has probability ∝ weight_y.

    weight is a vector over classes, called with their counts. `InversePrior()` draws every class
    equally often.
    """

    weight: Callable[[Real[np.ndarray, " classes"]], Float[np.ndarray, " classes"]]

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell; the groups of a class share one."""
        by_class = self.weight(counts.sum(1))
        return np.repeat(by_class[:, None], counts.shape[1], axis=1)


@dataclass(frozen=True)
class CellWeighted:
    """Draw with replacement; an example of cell s = (label, group) has probability ∝ weight_s.

    weight is a vector over cells, called with their counts. `InverseCell()` draws every cell
    equally often.
    """

    weight: Callable[[TrainingCounts], Float[np.ndarray, "classes groups"]]

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell."""
        return self.weight(counts)


@dataclass(frozen=True)
class Subsampled:
    """As many examples of each (label, group) cell as the smallest has; the rest is never seen."""

    def weights(self, counts: TrainingCounts) -> None:
        """Each of those that are kept once an epoch."""
        return

    def kept(self, counts: TrainingCounts) -> Int[np.ndarray, "classes groups"]:
        """Raises `DataError` for a cell without an example: nothing would be kept."""
        if counts.min() <= 0:
            empty = ", ".join(f"class {y} in group {g}" for y, g in np.argwhere(counts <= 0)[:8])
            raise DataError(
                f"the smallest cell has no training example: {empty}\n"
                "  every cell is cut down to the size of the smallest, so that none would be left\n"
                "  leave the class out, join groups, or set fewer examples aside for validation"
            )
        return np.full(counts.shape, counts.min(), np.int64)


@dataclass(frozen=True)
class ErrorsOften:
    """Draw with replacement; what the stages before misclassify `factor` times as often."""

    factor: float

    def weights(self, counts: TrainingCounts) -> None:
        """Nothing by cell: groups and labels are not looked at."""
        return

    def by_example(self, is_wrong: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Relative probability of drawing each training example."""
        return np.where(is_wrong, float(self.factor), 1.0)
