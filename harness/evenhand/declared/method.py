"""A method is a short list of stages plus a head; each stage is a loss and a sampler.

Everything comes twice: what stands here is the declaration, and its `bind` makes the tensors
inside the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.labels import Labels, PredictionCounts, TrainingCounts
from evenhand.declared.stage_parts import Policy, Reduction, Refit

if TYPE_CHECKING:
    from torch import Generator, Tensor

Head = Literal["linear", "cosine"]
Reduce = Literal["mean", "weighted_mean"]
Iterate = Literal["last", "averaged", "best"]


@runtime_checkable
class BoundLoss(Protocol):
    """Per-example loss and weight, in nats, not reduced.

    rows holds label * n_groups + group of each example: the cell of the counts it belongs to.
    """

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor: ...

    def weights(self, rows: Tensor) -> Tensor:
        """What `Stage.reduce = "weighted_mean"` divides by, summed over the batch."""
        ...


@runtime_checkable
class StochasticLoss(Protocol):
    """A bound loss that draws random numbers, and can be used once it has a generator."""

    def drawing_from(self, generator: Generator) -> BoundLoss:
        """The loss that draws from a generator on the device of its tensors."""
        ...


@runtime_checkable
class Loss(Protocol):
    """A loss before any dataset is known."""

    def bind(self, counts: TrainingCounts, device: Any) -> BoundLoss:
        """Fill in what depends on the training counts [classes, groups]."""
        ...


@runtime_checkable
class Sampler(Protocol):
    """Which training examples make up an epoch."""

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"] | None:
        """Relative probability of drawing one example of each cell, with replacement.

        None: every example exactly once, in random order.
        """
        ...


@runtime_checkable
class BoundController(Protocol):
    """What steers a loss by what the network says of held-out images, for one training set."""

    def update(self, predicted: PredictionCounts) -> None:
        """Take in the held-out counts under the weights as they are, and set the loss by them."""
        ...

    def merit(self, predicted: PredictionCounts) -> tuple[float, float]:
        """How good these held-out counts are; the larger tuple is better."""
        ...

    def curves(self) -> dict[str, float]:
        """What to log of where it stands, by name."""
        ...

    def state(self) -> dict[str, Any]:
        """All that changes, as plain containers and tensors."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; sets the loss, too."""
        ...


@runtime_checkable
class Controller(Protocol):
    """What steers a stage's loss while it trains, always by held-out data.

    every    steps of the optimiser between two estimates on held-out data; one comes before the
             first step of the training
    iterate  which network is evaluated: the last; the best by `merit` among those that an estimate
             was made of; or "averaged", a classifier that draws one of those evaluated so far for
             each image (its counts add up to images × networks)
    """

    @property
    def every(self) -> int: ...

    @property
    def iterate(self) -> Iterate: ...

    def check(self, loss: Loss, labels: Labels) -> None:
        """Raises `SpecError` before anything trains for what cannot be steered so."""
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
        """For one training set, of these counts.

        shares are what its gains divide by: the counts', or of a student what its teacher predicts.
        """
        ...


@runtime_checkable
class PostHoc(Protocol):
    """What turns a trained network's logits into predictions, without training it again."""

    @property
    def needs_validation(self) -> bool: ...

    def check(self, labels: Labels, head: Head) -> None:
        """As `Controller.check`, on a network with this head."""
        ...


@dataclass(frozen=True)
class EveryExample:
    """Each example once an epoch, shuffled."""

    def weights(self, counts: TrainingCounts) -> None:
        return None


@dataclass(frozen=True)
class Stage:
    """A stretch of training under one loss.

    until is where the stage ends, in units of the recipe's epochs since its run began; None: where
    the recipe ends. restart begins another run: weights, momentum, learning rate and what was seen
    for checkpoint rules are as at the start, and what was learned stays.
    reduce names how a batch's losses become one number: "mean" divides by the batch's size, as the
    papers' formulas do; "weighted_mean" by its total weight, as PyTorch's `weight=` and every
    released code of the re-weighting papers do; others are parts of their own. controller steers
    the loss by held-out data, outer learns loss and policy on them; the problem must then have
    some. policy augments the images, after the recipe's own augmentations.
    """

    loss: Loss
    sampler: Sampler = field(default_factory=EveryExample)
    until: float | None = None
    reduce: Reduce | Reduction = "mean"
    controller: Controller | None = None
    restart: bool = False
    policy: Policy | None = None
    outer: Hypergradient | None = None


class Run(NamedTuple):
    """Epochs between two fresh starts, in order of the method's runs.

    begins   0-based epoch, counted over all runs
    firsts   of each of its stages, in the same way
    epochs   how many it has
    """

    begins: int
    firsts: tuple[int, ...]
    epochs: int


@dataclass(frozen=True, init=False)
class Method:
    """A short list of stages, in order, and the head that the loss needs.

    refit  solves for the head once training has ended; a method of that alone trains nothing
    """

    stages: tuple[Stage, ...]
    head: Head
    refit: Refit | None

    def __init__(self, *stages: Stage, head: Head = "linear", refit: Refit | None = None) -> None:
        assert stages or refit, "a method has a stage, or solves for its head"
        assert head == "linear" or refit is None, "a solver gives weights of a linear head"
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "refit", refit)
        for run in self._runs():
            ends = [_end(stage) for stage in run]
            assert all(stage.until is not None for stage in run[:-1]), "an inner stage says its end"
            assert ends == sorted(ends), "stages follow in order"

    @property
    def needs_validation(self) -> bool:
        learns = any(stage.controller or stage.outer for stage in self.stages)
        return learns or (self.refit is not None and self.refit.split == "val")

    def runs(self, epochs: int) -> tuple[Run, ...]:
        """When each stage begins, under a recipe of so many epochs; a refit has the one after all.

        0.8 of 200 epochs is epoch 160.
        """
        found, begins = [], 0
        for stages in self._runs():
            ends = [round(_end(stage) * epochs) for stage in stages]
            firsts = tuple(begins + first for first in (0, *ends[:-1]))
            found.append(Run(begins, firsts, ends[-1]))
            begins += ends[-1]
        return tuple(found)

    def first_epochs(self, epochs: int) -> tuple[int, ...]:
        """The 0-based epoch at which each stage begins, over all runs."""
        return tuple(first for run in self.runs(epochs) for first in run.firsts)

    def total_epochs(self, epochs: int) -> int:
        """That are trained under a recipe of so many."""
        return sum(run.epochs for run in self.runs(epochs))

    def _runs(self) -> list[list[Stage]]:
        """The stages, from one restart to the next."""
        found: list[list[Stage]] = []
        for stage in self.stages:
            if stage.restart or not found:
                found.append([])
            found[-1].append(stage)
        return found


def _end(stage: Stage) -> float:
    return 1.0 if stage.until is None else stage.until
