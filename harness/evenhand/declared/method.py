"""Declarations of a method: a list of stages, a head and an optional refit of the last layer.

Every component has two forms. The declaration is frozen, hashable and free of tensors. `bind` turns
it into a bound object inside the worker, with the tensors and state for one training set.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.bilevel import Hypergradient
from evenhand.declared.controller import Controller
from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.declared.loss import Loss
from evenhand.declared.stage_parts import Policy, Reduction, Refit, TrainOn
from evenhand.errors import Mistake, SpecError

Head = Literal["linear", "cosine", "scaled"]
Trains = Literal["all", "head", "scale"]
Reduce = Literal["mean", "weighted_mean"]


@runtime_checkable
class Sampler(Protocol):
    """Declaration of a sampler: the training examples that make up an epoch."""

    def weights(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"] | None:
        """Relative probability of one example of each cell in draws with replacement.

        None stands for every example exactly once, in random order.
        """
        ...


@runtime_checkable
class PostHoc(Protocol):
    """Declaration of a post-hoc method: predictions from the logits of a trained network."""

    @property
    def needs_validation(self) -> bool:
        """Whether it is fitted on the validation split."""
        ...

    def check(self, labels: Labels, head: Head) -> None:
        """Check labels and head before anything trains. Raises `SpecError`."""
        ...


@dataclass(frozen=True)
class EveryExample:
    """Every example once in each epoch, in random order."""

    def weights(self, counts: TrainingCounts) -> None:
        """No weights: each epoch holds every example once."""
        return


@dataclass(frozen=True)
class Stage:
    """A period of training with one loss, one sampler and one reduction.

    >>> from evenhand import losses
    >>> Stage(losses.wce(), reduce="weighted_mean").until is None
    True
    """

    loss: Loss
    """Loss of an example."""
    sampler: Sampler = field(default_factory=EveryExample)
    """Sampler of the training examples."""
    until: float | None = None
    """End of the stage, as a share of the recipe's epochs since the run began; None is 1."""
    reduce: Reduce | Reduction = "mean"
    """Reduction of the losses of a batch to one number.

    "mean" divides their sum by the batch size, as the formulas of the papers do. "weighted_mean"
    divides by the total weight, as PyTorch's `weight=` and all released code of the re-weighting
    papers do. A `Reduction` is a part of its own, such as group DRO.
    """
    controller: Controller | None = None
    """Controller that updates the loss by held-out data, which the problem must have."""
    restart: bool = False
    """Whether a new run begins: weights, momentum, learning rate and checkpoints start again.

    Learned losses and policies are kept.
    """
    trains: Trains = "all"
    """Parameters that are trained; the others are frozen and have no weight decay.

    "all" is every parameter but the scale of a scaled head, "head" is the last layer with its
    scale, and "scale" is that scale alone. A stage that trains other parameters than the stage
    before begins a new run, which keeps the weights.
    """
    head: Literal["keep", "new"] = "keep"
    """Last layer at the beginning of the stage: as it is, or drawn anew, which begins a new run."""
    statistics: Literal["fixed", "updated"] = "fixed"
    """Batch normalisation of a frozen backbone.

    "fixed" normalises by the running statistics, as in evaluation. "updated" normalises by the
    statistics of the batch and updates the running ones.
    """
    schedule: str | None = None
    """Learning-rate schedule by name, without warm-up, the same in all stages of a run.

    None is the recipe's.
    """
    policy: Policy | None = None
    """Augmentation policy, which is applied after the augmentations of the recipe."""
    outer: Hypergradient | None = None
    """Hypergradient that learns loss and policy on held-out data, which the problem must have."""
    train_on: TrainOn = "train"
    """Images that the stage trains on, the same in all stages of a run.

    With "all" the counts, the sampler and the statistics of the input are those of training and
    held-out images together. The held-out images are then not evaluated and choose no epoch. A loss
    that an earlier run learned is kept with the class frequencies of that run.
    """
    mixes: bool = True
    """Whether the stage uses the recipe's mixing, if it has one."""

    def begins_run(self, before: Stage) -> bool:
        """Whether a new run begins with this stage, after the stage `before`."""
        return self.restart or self.head == "new" or self.trains != before.trains

    @property
    def learns_on_held_out(self) -> bool:
        """Whether held-out images change the loss or policy of the stage."""
        return bool(self.controller or self.outer)

    @property
    def is_averaged(self) -> bool:
        """Whether an average of networks is evaluated, whose predictions have no logits."""
        return self.controller is not None and self.controller.iterate == "averaged"


class Run(NamedTuple):
    """The epochs of one run: a learning-rate schedule with its own momentum and checkpoints."""

    begins: int
    """First epoch, 0-based and counted over all runs."""
    firsts: tuple[int, ...]
    """First epoch of each stage, counted in the same way."""
    epochs: int
    """Number of epochs."""


@dataclass(frozen=True, init=False)
class Method:
    """A list of stages, the head that the loss needs, and an optional refit of the last layer.

    >>> from evenhand.losses.per_class import LogPrior
    >>> from evenhand.losses.vector_scaling import VectorScaling
    >>> shifted = Stage(loss=VectorScaling(delta=LogPrior(tau=1.0)))
    >>> Method(Stage(loss=VectorScaling(), until=0.8), shifted).first_epochs(200)
    (0, 160)
    """

    stages: tuple[Stage, ...]
    """Stages of the training, in order; none for a method that only solves for its head."""
    head: Head
    """Last layer: "linear", "cosine" with normalised features and class weights, or "scaled".

    "scaled" is a linear layer whose logits are multiplied by a learnable scale of each class.
    """
    refit: Refit | None
    """Solver that replaces the head after training."""

    def __init__(self, *stages: Stage, head: Head = "linear", refit: Refit | None = None) -> None:
        assert stages or refit, "a method has a stage, or solves for its head"
        assert head == "linear" or refit is None, "a solver gives weights of a linear head"
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "refit", refit)
        for stage in stages:
            assert stage.trains != "scale" or head == "scaled", "only a scaled head has a scale"
            assert stage.trains == "all" or stage.outer is None, "a search learns with all weights"
        for run in self.stages_by_run():
            ends = [_end(stage) for stage in run]
            inner = all(stage.until is not None for stage in run[:-1])
            assert inner, "every stage of a run but the last has `until`"
            assert ends == sorted(ends), "stages follow in order"
            assert len({stage.train_on for stage in run}) == 1, "a run trains on one set of images"
            _check_schedules(run)
        mixed = any(stage.learns_on_held_out and stage.train_on == "all" for stage in stages)
        assert not mixed, "a stage does not train on the images that it is judged by"
        last = stages[-1].train_on if stages else "train"
        assert last == "train" or not self.refits_on_held_out, "images are used once"

    @property
    def needs_validation(self) -> bool:
        """Whether the method learns from held-out data."""
        return self.refits_on_held_out or any(stage.learns_on_held_out for stage in self.stages)

    @property
    def refits_on_held_out(self) -> bool:
        """Whether the refit uses the features of held-out data."""
        return self.refit is not None and self.refit.split == "val"

    def runs(self, epochs: int) -> tuple[Run, ...]:
        """The runs of the method under a recipe of `epochs` epochs.

        A stage until 0.8 of 200 epochs ends before the 0-based epoch 160.
        """
        found, begins = [], 0
        for stages in self.stages_by_run():
            ends = [round(_end(stage) * epochs) for stage in stages]
            firsts = tuple(begins + first for first in (0, *ends[:-1]))
            found.append(Run(begins, firsts, ends[-1]))
            begins += ends[-1]
        return tuple(found)

    def first_epochs(self, epochs: int) -> tuple[int, ...]:
        """First epoch of each stage, 0-based and counted over all runs."""
        return tuple(first for run in self.runs(epochs) for first in run.firsts)

    def total_epochs(self, epochs: int) -> int:
        """Number of epochs over all runs, under a recipe of `epochs` epochs."""
        return sum(run.epochs for run in self.runs(epochs))

    def stages_by_run(self) -> list[list[Stage]]:
        """The stages of each run."""
        found: list[list[Stage]] = []
        for stage in self.stages:
            if not found or stage.begins_run(found[-1][-1]):
                found.append([])
            found[-1].append(stage)
        return found


def _check_schedules(run: list[Stage]) -> None:
    """Check that the stages of a run have one schedule. Raises `SpecError`."""
    first, *others = [stage.schedule for stage in run]
    for other in others:
        if other != first:
            names = " and ".join("the recipe's" if s is None else repr(s) for s in (first, other))
            what = f"the stages of a run have two learning-rate schedules: {names}"
            right = "write the same `schedule` in each of them"
            hint = "a stage with `restart`, a new head or another value of `trains` begins a run"
            raise SpecError([Mistake(what, (), right, hint)])


def _end(stage: Stage) -> float:
    return 1.0 if stage.until is None else stage.until
