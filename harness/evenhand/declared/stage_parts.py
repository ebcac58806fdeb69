"""What a stage may have beside a loss: how a batch's losses become one number, and what it learns.

As in `spec.method`, a declaration comes first and what `bind` makes of it inside the worker second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from evenhand.declared.labels import Labels, TrainingCounts

if TYPE_CHECKING:
    from torch import Generator, Tensor


@runtime_checkable
class BoundReduction(Protocol):
    """How the losses of a batch become one number, for one training set."""

    def __call__(self, losses: Tensor, rows: Tensor, weights: Callable[[], Tensor]) -> Tensor:
        """From loss and row of each example; what it keeps stays as it is.

        weights gives that of each example to those that ask: with a teacher it costs classes² each.
        """
        ...

    def learn(self, losses: Tensor, rows: Tensor) -> None:
        """Before each step: move what it keeps by the losses [batch] under the weights as they are.

        In place, without reading a number back: the step may be a CUDA graph.
        """
        ...

    def curves(self) -> dict[str, float]:
        """What to log of where it stands, by name."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """All that changes, by name: the tensors themselves."""
        ...


@runtime_checkable
class Reduction(Protocol):
    """How the losses of a batch become one number, before any data set is known."""

    def check(self, labels: Labels) -> None:
        """Raises `SpecError` before anything trains."""
        ...

    def bind(
        self, counts: TrainingCounts, device: Any, *, classes: Sequence[str], groups: Sequence[str]
    ) -> BoundReduction:
        """For one training set. Raises `DataError` where it needs a cell that has no example."""
        ...


@runtime_checkable
class Learnable(Protocol):
    """A bound loss or policy with numbers that held-out data can learn.

    Stages of a method with the same loss, or policy, share what is learned.
    """

    def parameters(self) -> dict[str, Tensor]:
        """By name: the tensors themselves, which `Stage.outer` changes in place."""
        ...

    def curves(self) -> dict[str, float]:
        """What to log of where they stand, by name."""
        ...


@runtime_checkable
class BoundPolicy(Protocol):
    """An augmentation of float images, for one training set."""

    def __call__(self, images: Tensor, rows: Tensor, generator: Generator) -> Tensor:
        """[batch, channels, height, width] in [0, 1], and as many back."""
        ...


@runtime_checkable
class Policy(Protocol):
    """An augmentation that can be learned; a bound one is `Learnable`, too."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundPolicy: ...


@runtime_checkable
class Subsampler(Protocol):
    """A sampler that trains on some of the examples alone."""

    def kept(self, counts: TrainingCounts) -> Int[np.ndarray, "classes groups"]:
        """Examples of each cell, drawn once and without replacement when the training begins."""
        ...


@runtime_checkable
class Retrospective(Protocol):
    """A sampler that looks at the network that the stages before it left."""

    def by_example(self, is_wrong: Bool[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Relative probability of drawing each training example, with replacement.

        is_wrong  whether that network misclassifies it
        """
        ...


class LinearHead(NamedTuple):
    """The weights of a linear head."""

    weight: Float[np.ndarray, "classes features"]
    bias: Float[np.ndarray, " classes"]


@runtime_checkable
class Refit(Protocol):
    """What solves for a linear head at the end of training, on features of the network as it is.

    split  whose features: "val" takes the held-out images, which then choose nothing any more
    """

    @property
    def split(self) -> Literal["train", "val"]: ...

    def check(self, labels: Labels) -> None:
        """Raises `SpecError` before anything trains."""
        ...

    def check_counts(self, counts: TrainingCounts) -> None:
        """Raises `DataError` before anything trains, for a split of these counts."""
        ...

    def solve(
        self,
        features: Float[np.ndarray, "n features"],
        labels: Int[np.ndarray, " n"],
        groups: Int[np.ndarray, " n"],
        *,
        counts: TrainingCounts,
        randomness: np.random.Generator,
    ) -> LinearHead:
        """On all examples of the split; counts [classes, groups] are the split's.

        Raises `DataError` where there is no solution.
        """
        ...
