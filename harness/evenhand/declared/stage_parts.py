"""Components of a stage beside loss and sampler: reductions, learnable values, policies, refits.

As in `method.py`, each has a declaration and the bound object that its `bind` makes in the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from evenhand.declared.labels import Labels, TrainingCounts

if TYPE_CHECKING:
    from torch import Generator, Tensor

TrainOn = Literal["train", "all"]
"""Images that a run trains on: "train" the training images, "all" the held-out images as well."""


@runtime_checkable
class BoundReduction(Protocol):
    """A reduction for one training set, with its state."""

    def __call__(self, losses: Tensor, rows: Tensor, weights: Callable[[], Tensor]) -> Tensor:
        """The reduced loss of a batch, without a change of the state.

        weights is called only if the weights are used: under a teacher they cost classes² for each
        example.
        """
        ...

    def learn(self, losses: Tensor, rows: Tensor) -> None:
        """Update the state by the losses [batch] at the current weights, before each step.

        The update is in place and reads no value back, because the step may be a CUDA graph.
        """
        ...

    def curves(self) -> dict[str, float]:
        """Values to log after an epoch, by name."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """The tensors of the state, by name and not copied."""
        ...


@runtime_checkable
class Reduction(Protocol):
    """Declaration of a reduction of the losses of a batch to one number."""

    def check(self, labels: Labels) -> None:
        """Check the labels before anything trains. Raises `SpecError`."""
        ...

    def bind(
        self, counts: TrainingCounts, device: Any, *, classes: Sequence[str], groups: Sequence[str]
    ) -> BoundReduction:
        """The reduction for one training set. Raises `DataError` for a cell without an example."""
        ...


def uses_cells(reduction: Reduction) -> bool:
    """Whether a reduction depends on the cells of the examples.

    It does, unless the reduction states `uses_cells = False`.
    """
    return bool(getattr(reduction, "uses_cells", True))


@runtime_checkable
class Learnable(Protocol):
    """A bound loss or policy with values that are learned on held-out data.

    Stages of a method with the same loss, or the same policy, share the learned values.
    """

    def parameters(self) -> dict[str, Tensor]:
        """The learnable tensors by name, not copied; `Stage.outer` changes them in place."""
        ...

    def curves(self) -> dict[str, float]:
        """Values to log after an epoch, by name."""
        ...


@runtime_checkable
class BoundPolicy(Protocol):
    """An augmentation policy for one training set."""

    def __call__(self, images: Tensor, rows: Tensor, generator: Generator) -> Tensor:
        """Augmented images, [batch, channels, height, width] in [0, 1] as the given ones."""
        ...


@runtime_checkable
class Policy(Protocol):
    """Declaration of an augmentation policy that can be learned."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundPolicy:
        """The policy for one training set; the bound policy is also `Learnable`."""
        ...


@runtime_checkable
class Subsampler(Protocol):
    """A sampler that keeps a part of the training examples."""

    def kept(self, counts: TrainingCounts) -> Int[np.ndarray, "classes groups"]:
        """Number of examples kept of each cell, drawn once and without replacement."""
        ...


@runtime_checkable
class ByEpoch(Protocol):
    """A sampler whose weights differ from epoch to epoch."""

    def weights_at(
        self, counts: TrainingCounts, *, epoch: int, epochs: int
    ) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell in an epoch of the run.

        epoch  counted from 0 since the run began, of `epochs` epochs
        """
        ...


@runtime_checkable
class Retrospective(Protocol):
    """A sampler that uses the predictions of the network of the earlier stages."""

    def times(self, is_wrong: Bool[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """How often each training example occurs in an epoch, which may be longer than one pass.

        is_wrong  whether the network of the earlier stages misclassifies the example
        """
        ...


class LinearHead(NamedTuple):
    """Weights and biases of a linear head."""

    weight: Float[np.ndarray, "classes features"]
    """Weights."""
    bias: Float[np.ndarray, " classes"]
    """Biases."""


@runtime_checkable
class Refit(Protocol):
    """Declaration of a solver for a linear head on the features of the trained network.

    A solver with an attribute `has_probabilities = False` gives scores whose softmax are no class
    probabilities; metrics of probabilities are then undefined.
    """

    @property
    def split(self) -> Literal["train", "val"]:
        """Split whose features are used; held-out images of "val" can then choose no setting."""
        ...

    def check(self, labels: Labels) -> None:
        """Check the labels before anything trains. Raises `SpecError`."""
        ...

    def check_counts(self, counts: TrainingCounts) -> None:
        """Check the counts of the split before anything trains. Raises `DataError`."""
        ...

    def solve(
        self,
        features: Float[np.ndarray, "n features"],
        labels: Int[np.ndarray, " n"],
        groups: Int[np.ndarray, " n"],
        *,
        training: Float[np.ndarray, "examples features"],
        counts: TrainingCounts,
        randomness: np.random.Generator,
    ) -> LinearHead:
        """The head for all examples of the split, whose counts are [classes, groups].

        Raises `DataError` if there is no solution.
        """
        ...
