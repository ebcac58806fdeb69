"""Samplers: the training examples that make up an epoch. The default is `EveryExample`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import DataError


@dataclass(frozen=True)
class ClassWeighted:
    """Draws with replacement, where an example of class y has probability ∝ weight_y.

    >>> from evenhand.losses.per_class import InversePrior
    >>> ClassWeighted(InversePrior()).weights(np.array([[75], [25]])).ravel()
    array([1.33333333, 4.        ])
    """

    weight: Callable[[Real[np.ndarray, " classes"]], Float[np.ndarray, " classes"]]
    """Weights of the classes, from their counts; `InversePrior()` balances the classes."""

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell, equal for the groups of a class."""
        by_class = self.weight(counts.sum(1))
        return np.repeat(by_class[:, None], counts.shape[1], axis=1)


@dataclass(frozen=True)
class Progressive:
    """Draws with replacement, from the natural to the balanced class frequencies.

        p_y(t) = (1 − t/T) · n_y/N + (t/T) · 1/C

    p_y is the probability of class y (kang2020decoupling), t the epoch, counted from 0, and
    T the number of epochs of the run, so that the last epoch has t = T − 1.

    >>> from evenhand.losses.per_class import InversePrior
    >>> progressive = Progressive(InversePrior())
    >>> progressive.weights_at(np.array([[75], [25]]), epoch=1, epochs=2).ravel()
    array([0.83333333, 1.5       ])
    """

    inverse_prior: Callable[[Real[np.ndarray, " classes"]], Float[np.ndarray, " classes"]]
    """N/n_y of each class, from the counts."""

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        """Weights of the first epoch, in which every example is equally likely."""
        return self.weights_at(counts, epoch=0, epochs=1)

    def weights_at(
        self, counts: TrainingCounts, *, epoch: int, epochs: int
    ) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell in an epoch: N · p_y(t) / n_y."""
        share = epoch / epochs
        balanced = self.inverse_prior(counts.sum(1)) / len(counts)
        return np.repeat((1 - share + share * balanced)[:, None], counts.shape[1], axis=1)


@dataclass(frozen=True)
class CellWeighted:
    """Draws with replacement, with probability ∝ weight_s for (label, group) cell s."""

    weight: Callable[[TrainingCounts], Float[np.ndarray, "classes groups"]]
    """Weights of the cells from their counts; `InverseCell()` draws all cells equally often."""

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell."""
        return self.weight(counts)


@dataclass(frozen=True)
class Subsampled:
    """As many examples of each (label, group) cell as the smallest cell has."""

    def weights(self, counts: TrainingCounts) -> None:
        """No weights: each epoch holds every kept example once."""
        return

    def kept(self, counts: TrainingCounts) -> Int[np.ndarray, "classes groups"]:
        """Number of kept examples by cell. Raises `DataError` for a cell without an example."""
        if counts.min() <= 0:
            empty = ", ".join(f"class {y} in group {g}" for y, g in np.argwhere(counts <= 0)[:8])
            raise DataError(
                f"the smallest cell has no training example: {empty}\n"
                "  sub-sampling cuts every cell down to this size, which would leave no example\n"
                "  leave the class out, join groups, or set fewer examples aside for validation"
            )
        return np.full(counts.shape, counts.min(), np.int64)


@dataclass(frozen=True)
class ErrorsOften:
    """Every example once in each epoch, and further copies of the errors of the earlier stages."""

    copies: int
    """Number of copies of a misclassified example that are added."""

    def weights(self, counts: TrainingCounts) -> None:
        """No weights by cell: `times` gives the occurrences of each example in an epoch."""
        return

    def times(self, is_wrong: Bool[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """How often each training example occurs in an epoch."""
        return np.where(is_wrong, 1 + self.copies, 1)
