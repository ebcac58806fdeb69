"""A trial under way: what it is made of, and how one comes to be."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from evenhand.backbones.networks.build import Network, build
from evenhand.data.augment.augmentations import Augmentation
from evenhand.data.splits import ProblemData
from evenhand.declared.labels import PredictionCounts, TrainingCounts
from evenhand.declared.method import Method
from evenhand.declared.record import Split
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import BoundPolicy, Refit
from evenhand.declared.streams import generator, stream_seed
from evenhand.declared.trial import Kept, Recipe, Stream, Trial
from evenhand.recipes.schedules import Schedule
from evenhand.train.checkpoints import Checkpoints
from evenhand.train.device_data import Normalise, Placed, augmented
from evenhand.train.hardware import computes_in_half
from evenhand.train.stages import BoundStage, Material, bind

GLOBAL_GENERATOR = threading.Lock()
"""Held while weights are drawn: trials that share a process share torch's global generator."""

NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Layers whose scale and shift weight decay may leave alone."""


@dataclass
class Iterates:
    """What is kept of earlier networks, where a controller asks for another than the last.

    best     weights of the one with the greatest merit, and that merit
    mixture  sums of the counts of all that were evaluated
    """

    best: dict[str, Tensor] = field(default_factory=dict)
    merit: tuple[float, float] | None = None
    mixture: dict[Split, PredictionCounts] = field(default_factory=dict)


@dataclass(frozen=True)
class Batch:
    """Some training images as the network sees them, and what they are.

    targets are class probabilities in place of the labels.
    """

    images: Float[Tensor, "b c h w"]
    labels: Int[Tensor, " b"]
    rows: Int[Tensor, " b"]
    targets: Float[Tensor, "b classes"] | None


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


def begin(
    trial: Trial,
    data: ProblemData,
    device: torch.device,
    *,
    is_compiled: bool = False,
    keeps: frozenset[Kept] = frozenset(),
    taught: Float[np.ndarray, "n classes"] | None = None,
) -> Training:
    """Everything as it is before the first step; taught are a teacher's class probabilities.

    Raises `BackboneError` where the network does not take the images.
    """
    recipe, summary = trial.recipe, data.summary
    method: Method = REGISTRY.make("method", trial.method)
    n_groups, n_classes = len(summary.groups), len(summary.classes)
    if method.refit:
        split = data.val if method.refit.split == "val" else data.train
        assert split is not None, "checked with the suite"
        method.refit.check_counts(split.counts(n_classes, n_groups))
    placed = Placed.of(data.train, n_groups=n_groups, device=device)

    def seed(name: Stream) -> int:
        return stream_seed(name, trial.seed, trial.vary)

    def fresh() -> Network:
        return _model(recipe, method, data, seed("init"))

    def draw() -> np.random.Generator:
        return generator("order", trial.seed, trial.vary)

    model = fresh().to(device)
    order = torch.Generator().manual_seed(seed("order"))
    randomness = torch.Generator(device).manual_seed(seed("augment"))
    known = data.counts if taught is None else _sums(taught, data)
    return Training(
        recipe=recipe,
        device=device,
        half=computes_in_half(recipe.precision, device),
        model=model,
        network=torch.compile(model, dynamic=False) if is_compiled else model,
        optimizer=_optimizer(recipe, model, device),
        stages=bind(method, Material(data, known, randomness, draw), recipe, device),
        epochs=method.total_epochs(recipe.epochs),
        fresh=lambda: fresh().state_dict(),
        schedule=REGISTRY.make("schedule", recipe.schedule),
        augment=tuple(REGISTRY.make("augmentation", part) for part in recipe.augment),
        normalise=Normalise.of(placed, recipe.mean, recipe.std),
        train=placed,
        splits=_splits(data, device),
        shape=(n_groups, n_classes),
        checkpoints=Checkpoints(recipe.best_by, data.counts, trial.method.settings),
        order=order,
        randomness=randomness,
        order_before=order.get_state(),
        draw=draw,
        refit=method.refit,
        keeps=keeps,
        targets=None if taught is None else torch.tensor(taught, device=device),
    )


def _splits(data: ProblemData, device: torch.device) -> dict[Split, Placed]:
    """What is evaluated on, validation first where there is any."""
    n_groups = len(data.summary.groups)
    splits: dict[Split, Placed] = {"test": Placed.of(data.test, n_groups=n_groups, device=device)}
    if data.val is None:
        return splits
    return {"val": Placed.of(data.val, n_groups=n_groups, device=device), **splits}


def _sums(taught: Float[np.ndarray, "n classes"], data: ProblemData) -> TrainingCounts:
    """[classes, groups] sums of the class probabilities of the training images."""
    groups = np.eye(len(data.summary.groups))[data.train.groups]
    return np.asarray(taught.T.astype(np.float64) @ groups)


def _model(recipe: Recipe, method: Method, data: ProblemData, seed: int) -> Network:
    _, side, _, channels = data.train.pixels.shape
    with GLOBAL_GENERATOR:
        # Layers draw from the global generators: initialisation, and drop-out later on.
        torch.manual_seed(seed)
        model = build(
            recipe.backbone,
            n_classes=len(data.summary.classes),
            head=method.head,
            in_channels=channels,
            image_size=side,
        )
    return model.to(memory_format=torch.channels_last)


def _optimizer(recipe: Recipe, model: nn.Module, device: torch.device) -> torch.optim.Optimizer:
    """On a GPU one kernel for all weights, with a learning rate that a CUDA graph can follow."""
    on_gpu = device.type == "cuda"
    return torch.optim.SGD(
        _by_decay(recipe, model),
        lr=torch.tensor(recipe.lr, device=device) if on_gpu else recipe.lr,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=on_gpu or None,
    )


def _by_decay(recipe: Recipe, model: nn.Module) -> list[dict[str, Any]]:
    """All weights; apart from them those of normalisation layers, where these do not decay."""
    if recipe.decay_norms is None:
        return [{"params": list(model.parameters())}]
    layers = [module for module in model.modules() if isinstance(module, NORMS)]
    norms = {parameter for layer in layers for parameter in layer.parameters(recurse=False)}
    return [
        {"params": [p for p in model.parameters() if p not in norms]},
        {"params": [p for p in model.parameters() if p in norms], "weight_decay": 0.0},
    ]
