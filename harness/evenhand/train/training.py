"""State of a trial under way: its stages, and everything that changes with a step.

What binds stages (`stages.py`), learns on held-out data (`bilevel.py`, `held_out.py`), evaluates or
saves a training imports this module, never the reverse.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from evenhand.backbones.networks.build import Network
from evenhand.data.augment.augmentations import Augmentation
from evenhand.data.augment.mixing import BoundMixing, check_mixed
from evenhand.declared.controller import BoundController
from evenhand.declared.loss import BoundLoss
from evenhand.declared.method import Run, Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.record import Split
from evenhand.declared.stage_parts import (
    BoundPolicy,
    BoundReduction,
    Learnable,
    Refit,
    TrainOn,
)
from evenhand.declared.trial import Kept
from evenhand.losses.soft_labels import SoftLabels
from evenhand.recipes.schedules import Schedule
from evenhand.train.batch import Batch
from evenhand.train.checkpoints import Checkpoints, Iterates
from evenhand.train.device_data import DeviceSplit, Normalise, RunData, augment_batch
from evenhand.train.draws import Draws
from evenhand.train.sam import Step
from evenhand.train.tally import Tally

WeightsAt = Callable[[int], Float[np.ndarray, " n"]]
"""Sampling weight of each example in an epoch, counted from 0 over all runs."""


@runtime_checkable
class BoundOuter(Protocol):
    """Upper level of a bilevel search, which learns a stage's loss or policy on held-out data."""

    def step(self, run: Training) -> None:
        """Make the update, if one is due, before a step of the optimiser."""
        ...

    def curves(self) -> dict[str, float]:
        """Values to log, by the name of their curve."""
        ...

    def state(self) -> dict[str, Any]:
        """State as plain containers and tensors, without the learned parameters."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        ...


@dataclass
class BoundStage:
    """A stage of a method, bound to a training set and a recipe."""

    spec: Stage
    run: Run
    schedule: Schedule | None
    """Learning-rate schedule of its own; None is the recipe's."""
    first_epoch: int
    """Epochs of all runs that come before the stage."""
    step: Step
    loss: BoundLoss
    soft: SoftLabels
    """The loss for class probabilities in place of labels."""
    reduction: BoundReduction
    weights: Float[np.ndarray, " n"] | None
    """Sampling weight of each example; None where the sampler does not weigh."""
    weights_at: WeightsAt | None = None
    """The weights of an epoch, where they differ from epoch to epoch."""
    kept: Int[np.ndarray, " kept"] | None = None
    """Examples of an epoch, from a subsampler or a retrospective sampler; None: all once.

    A retrospective sampler, which repeats some of them, sets them when the stage begins.
    """
    controller: BoundController | None = None
    policy: BoundPolicy | None = None
    outer: BoundOuter | None = None
    tally: Tally = field(default_factory=Tally)
    """Steps and updates so far, for the record."""

    @property
    def learnables(self) -> dict[str, Learnable]:
        """Loss and policy, as far as held-out data can learn them, by name."""
        parts: dict[str, object] = {"loss": self.loss, "policy": self.policy}
        return {name: part for name, part in parts.items() if isinstance(part, Learnable)}

    def learned(self) -> dict[str, Tensor]:
        """Values beside the weights that change in this stage, by name and not copied."""
        found = dict(self.reduction.tensors())
        for part in self.learnables.values() if self.outer else ():
            found |= part.parameters()
        values = self.controller.values() if self.controller else {}
        return found | {name: torch.as_tensor(value) for name, value in values.items()}

    def batch_loss(
        self, logits: Float[Tensor, "batch classes"], batch: Batch, *, learns: bool = True
    ) -> Float[Tensor, ""]:
        """Loss of a batch, reduced to one number.

        learns: the losses update the state of the reduction before they are reduced.
        """
        losses = batch.by_share(partial(self._losses, logits))
        weights = partial(batch.by_share, self._weights)
        if learns:
            self.reduction.learn(losses.detach(), batch.rows)
        return self.reduction(losses, batch.rows, weights)

    def _losses(
        self, logits: Float[Tensor, "batch classes"], batch: Batch
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, by its label or the class probabilities of a teacher."""
        if batch.targets is not None:
            return self.soft(logits, batch.targets, batch.rows)
        return self.loss(logits, batch.labels, rows=batch.rows)

    def _weights(self, batch: Batch) -> Float[Tensor, " batch"]:
        """Weight of each example, by its label or the class probabilities of a teacher."""
        if batch.targets is not None:
            return self.soft.weights(batch.targets, batch.rows)
        return self.loss.row_weights(batch.rows)

    def curves(self) -> dict[str, float]:
        """Values that the stage's parts log, by the name of their curve."""
        moving: list[BoundController | BoundReduction | BoundOuter | Learnable | None]
        moving = [self.controller, self.reduction, self.outer]
        moving += self.learnables.values() if self.outer else ()
        return {name: value for part in moving if part for name, value in part.curves().items()}


@dataclass
class Training:
    """A trial under way: what stays, and what changes with every step."""

    recipe: Recipe
    device: torch.device
    bf16: bool
    """Whether the network computes in bf16."""
    model: Network
    network: Callable[[Tensor], Tensor]
    """The model, or its compiled form."""
    optimizer: torch.optim.Optimizer
    stages: tuple[BoundStage, ...]
    epochs: int
    """Number of epochs over all runs."""
    draws: Draws
    """Initial weights and generators, for a restart, a new last layer or a refit."""
    schedule: Schedule
    augment: tuple[Augmentation, ...]
    mixing: BoundMixing | None
    data: dict[TrainOn, RunData]
    """Images of the runs, by what they train on."""
    checkpoints: Checkpoints
    order: torch.Generator
    """Generator of the order of examples; on the CPU on every device."""
    randomness: torch.Generator
    """Generator of augmentation and of losses that draw; on the device."""
    refit: Refit | None = None
    keeps: frozenset[Kept] = frozenset()
    """Arrays that the trial keeps for other trials."""
    targets: Float[Tensor, "n classes"] | None = None
    """A teacher's class probabilities of the training images, in place of their labels."""
    reference_direction: Float[np.ndarray, " features"] | None = None
    """Direction of the line of `recipe.angle_to`; None until it was solved for."""
    order_before: Tensor = field(init=False)
    """State of `order` before it drew the current epoch."""
    trainable: frozenset[str] = field(init=False)
    """Names of the parameters that are not frozen by the backbone itself."""
    iterates: Iterates = field(default_factory=Iterates)
    epoch: int = 1
    position: int = 0
    """Steps done in the current epoch."""
    steps: int = 0
    images: int = 0
    """Training images seen so far, over all epochs."""
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    losses: Float[Tensor, " steps"] = field(default_factory=lambda: torch.empty(0))
    """Losses of the current epoch; those from `position` on are not set yet."""
    curves: dict[str, list[float | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.order_before = self.order.get_state()
        trainable = (name for name, p in self.model.named_parameters() if p.requires_grad)
        self.trainable = frozenset(trainable)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of groups and classes."""
        summary = self.draws.data.summary
        return len(summary.groups), len(summary.classes)

    @property
    def stage(self) -> BoundStage:
        """The stage of the current epoch."""
        return [s for s in self.stages if s.first_epoch < self.epoch][-1]

    @property
    def run_data(self) -> RunData:
        """The images of the current run."""
        return self.data[self.stage.spec.train_on if self.stages else "train"]

    @property
    def train(self) -> DeviceSplit:
        """Images that the current run trains on."""
        return self.run_data.train

    @property
    def splits(self) -> dict[Split, DeviceSplit]:
        """Splits that are evaluated in the current run."""
        return self.run_data.splits

    @property
    def normalise(self) -> Normalise:
        """Normalisation of the current run."""
        return self.run_data.normalise

    def step(self, stage: BoundStage, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        """Make one step of the optimiser on some training examples; the loss before the step."""
        # The compiled form is compiled for one size of batch: another size would compile again.
        whole = len(index) == self.recipe.batch
        network = self.network if whole else self.model
        # Without a graph: a step of the optimiser learns weights, not the policy.
        with torch.no_grad():
            batch = self.batch(stage, index)
        passes = itertools.count()

        def loss_of() -> Float[Tensor, ""]:
            logits = self.forward(batch.images, network)
            # SAM calls this twice for one batch, which must update the reduction once.
            learns = next(passes) == 0
            return stage.batch_loss(logits, batch, learns=learns)

        return stage.step(loss_of, self.model, self.optimizer)

    def batch(self, stage: BoundStage, index: Int[Tensor, " batch"]) -> Batch:
        """Draw an augmented batch of some training examples, mixed where the recipe mixes.

        The images have a graph where the policy is being learned.
        """
        rows = self.train.rows[index]
        pixels = augment_batch(self.train.pixels[index], self.augment, self.randomness)
        targets = None if self.targets is None else self.targets[index]
        images = self.inputs(pixels, rows, stage.policy)
        labels = self.train.labels[index]
        if self.mixing is None or not stage.spec.mixes:
            return Batch(images, labels, rows, targets)
        mixed = self.mixing(images, labels, self.randomness)
        check_mixed(mixed, len(index))
        return Batch(mixed.images, labels, rows, targets, mixed)

    def loss_of(self, stage: BoundStage, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        """The stage's loss on some training examples, in float32 and with its graph."""
        batch = self.batch(stage, index)
        logits = self.model(batch.images)
        return stage.batch_loss(logits, batch, learns=False)

    def inputs(
        self,
        pixels: Shaped[Tensor, "b c h w"],
        rows: Int[Tensor, " b"] | None = None,
        policy: BoundPolicy | None = None,
    ) -> Float[Tensor, "b c h w"]:
        """Inputs of the network from images in bytes, or from features; a policy needs the rows."""
        if policy is not None:
            assert rows is not None, "a policy may differ from class to class"
            pixels = 255 * policy(pixels.float() / 255, rows, self.randomness)
        return self.normalise(pixels).contiguous(memory_format=torch.channels_last)

    def forward(
        self, images: Float[Tensor, "b c h w"], network: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b classes"]:
        """Logits in float32, computed in the training's precision."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16):
            return network(images).float()

    def logits(
        self, pixels: Shaped[Tensor, "b c h w"], network: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b classes"]:
        """Logits of images in bytes, or of features, without augmentation."""
        return self.forward(self.inputs(pixels), network)
