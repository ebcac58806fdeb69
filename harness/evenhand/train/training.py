"""A trial under way: its stages, and everything that changes with a step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from evenhand.backbones.networks.build import Network
from evenhand.data.augment.augmentations import Augmentation
from evenhand.declared.method import BoundController, BoundLoss, Run, Stage
from evenhand.declared.record import Split
from evenhand.declared.stage_parts import (
    BoundPolicy,
    BoundReduction,
    Learnable,
    Refit,
    Retrospective,
)
from evenhand.declared.trial import Kept, Recipe
from evenhand.losses.soft import SoftLabels
from evenhand.recipes.schedules import Schedule
from evenhand.train.checkpoints import Checkpoints, Iterates
from evenhand.train.device_data import Normalise, Placed, augmented
from evenhand.train.sam import Step


@dataclass(frozen=True)
class Batch:
    """Some training images as the network sees them, and what they are.

    targets are class probabilities in place of the labels.
    """

    images: Float[Tensor, "b c h w"]
    labels: Int[Tensor, " b"]
    rows: Int[Tensor, " b"]
    targets: Float[Tensor, "b classes"] | None


@runtime_checkable
class BoundOuter(Protocol):
    """What learns a stage's loss or policy on held-out data while it trains."""

    def step(self, run: Training) -> None:
        """Before a step of the optimiser, where one is due."""
        ...

    def curves(self) -> dict[str, float]:
        """What to log of where it stands, by name."""
        ...

    def state(self) -> dict[str, Any]:
        """All that changes but what is learned, as plain containers and tensors."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        ...


@dataclass
class BoundStage:
    """A stage, bound.

    weights  those by which its sampler draws examples, if it does; of a sampler that looks back
             they are known when the stage begins
    kept     the examples that it trains on, where these are not all
    """

    spec: Stage
    run: Run
    first_epoch: int
    step: Step
    loss: BoundLoss
    soft: SoftLabels
    reduction: BoundReduction
    weights: Float[np.ndarray, " n"] | None
    kept: Int[np.ndarray, " kept"] | None = None
    controller: BoundController | None = None
    policy: BoundPolicy | None = None
    outer: BoundOuter | None = None

    @property
    def learnables(self) -> dict[str, Learnable]:
        """What held-out data may learn, by what it is."""
        parts: dict[str, object] = {"loss": self.loss, "policy": self.policy}
        return {name: part for name, part in parts.items() if isinstance(part, Learnable)}

    def look_back(self, is_wrong: Callable[[], Int[np.ndarray, " n"]]) -> None:
        """As it begins, with the network that the stages before it left."""
        if isinstance(self.spec.sampler, Retrospective):
            self.weights = np.asarray(self.spec.sampler.by_example(is_wrong()), np.float64)

    def batch_loss(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        targets: Float[Tensor, "batch classes"] | None,
        *,
        learns: bool = True,
    ) -> Float[Tensor, ""]:
        """One number for the batch, as the stage says.

        targets are class probabilities in place of the labels. learns: what the reduction keeps is
        moved by these losses first.
        """
        if targets is None:
            losses, weights = self.loss(logits, labels, rows), partial(self.loss.weights, rows)
        else:
            losses = self.soft(logits, targets, rows)
            weights = partial(self.soft.weights, targets, rows)
        if learns:
            self.reduction.learn(losses.detach(), rows)
        return self.reduction(losses, rows, weights)

    def curves(self) -> dict[str, float]:
        """What its parts have to log, by name."""
        moving: list[BoundController | BoundReduction | BoundOuter | Learnable | None]
        moving = [self.controller, self.reduction, self.outer]
        moving += self.learnables.values() if self.outer else ()
        return {name: value for part in moving if part for name, value in part.curves().items()}


@dataclass
class Training:
    """A trial under way: what stays, and what grows with every step.

    half          whether the network computes in bf16
    network       the model, or what it was compiled to
    order_before  state of `order` before the examples of the epoch under way were drawn
    position      steps of the epoch under way that are done
    losses        of these steps
    images        seen so far, over all epochs
    keeps         what it keeps for other trials
    targets       a teacher's class probabilities for the training images, in place of their labels
    fresh         makes the weights that it began with
    direction     of the line that `recipe.angle_to` finds, once it was looked for
    epochs        of all runs
    """

    recipe: Recipe
    device: torch.device
    half: bool
    model: Network
    network: Callable[[Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    stages: tuple[BoundStage, ...]
    epochs: int
    fresh: Callable[[], Mapping[str, Tensor]]
    schedule: Schedule
    augment: tuple[Augmentation, ...]
    normalise: Normalise
    train: Placed
    splits: dict[Split, Placed]
    shape: tuple[int, int]
    checkpoints: Checkpoints
    order: torch.Generator
    randomness: torch.Generator
    order_before: Tensor
    draw: Callable[[], np.random.Generator]
    refit: Refit | None = None
    keeps: frozenset[Kept] = frozenset()
    targets: Float[Tensor, "n classes"] | None = None
    direction: Float[np.ndarray, " features"] | None = None
    iterates: Iterates = field(default_factory=Iterates)
    epoch: int = 1
    position: int = 0
    steps: int = 0
    images: int = 0
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    losses: list[Tensor] = field(default_factory=list)
    curves: dict[str, list[float | None]] = field(default_factory=dict)

    @property
    def stage(self) -> BoundStage:
        """That of the epoch under way."""
        return [s for s in self.stages if s.first_epoch < self.epoch][-1]

    def set_learning_rate(self, lr: float) -> None:
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                # Where it is, because a CUDA graph reads it there.
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def step(self, stage: BoundStage, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        """One step of the optimiser on some training examples; the loss before it."""
        # A compiled network is compiled for one size of batch.
        whole = len(index) == self.recipe.batch
        network = self.network if whole else self.model
        with torch.no_grad():
            batch = self.batch(stage, index)
        passes = itertools.count()

        def loss_of() -> Float[Tensor, ""]:
            logits = self.passed(batch.images, network)
            learns = next(passes) == 0
            return stage.batch_loss(logits, batch.labels, batch.rows, batch.targets, learns=learns)

        return stage.step(loss_of, self.model, self.optimizer)

    def batch(self, stage: BoundStage, index: Int[Tensor, " batch"]) -> Batch:
        """Some training examples, augmented anew; with a graph where the policy asks for one."""
        rows = self.train.rows[index]
        pixels = augmented(self.train.pixels[index], self.augment, self.randomness)
        targets = None if self.targets is None else self.targets[index]
        images = self.inputs(pixels, rows, stage.policy)
        return Batch(images, self.train.labels[index], rows, targets)

    def loss_of(self, stage: BoundStage, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
        """The stage's loss on some training examples, in full precision and with its graph."""
        batch = self.batch(stage, index)
        logits = self.model(batch.images)
        return stage.batch_loss(logits, batch.labels, batch.rows, batch.targets, learns=False)

    def inputs(
        self,
        pixels: Shaped[Tensor, "b c h w"],
        rows: Int[Tensor, " b"] | None = None,
        policy: BoundPolicy | None = None,
    ) -> Float[Tensor, "b c h w"]:
        """What the network sees of images in bytes, or of features; a policy looks at rows."""
        if policy is not None:
            assert rows is not None, "a policy may differ from class to class"
            pixels = 255 * policy(pixels.float() / 255, rows, self.randomness)
        return self.normalise(pixels).contiguous(memory_format=torch.channels_last)

    def passed(
        self, images: Float[Tensor, "b c h w"], network: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b classes"]:
        """What a network makes of them, in the precision of the training."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.half):
            return network(images).float()

    def logits(
        self, pixels: Shaped[Tensor, "b c h w"], network: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b classes"]:
        """What a network makes of images in bytes, or of features, as they are."""
        return self.passed(self.inputs(pixels), network)
