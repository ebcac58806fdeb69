"""Train one trial: its method's stages, one after the other, under its recipe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from harness.backbones.networks.build import build
from harness.data.augmentations import Augmentation
from harness.data.splits import ProblemData
from harness.spec.method import Method
from harness.spec.record import Cost, Evaluation, Split
from harness.spec.registry import REGISTRY
from harness.spec.streams import stream_seed
from harness.spec.trial import Recipe, Stream, Trial
from harness.train.checkpoints import Checkpoints, Counts
from harness.train.placed import Normalise, Placed, augmented, batches, order
from harness.train.process import peak_gpu_memory_gib, peak_memory_gib, prepare_process
from harness.train.sam import step_of
from harness.train.schedules import Schedule, learning_rate
from harness.train.stages import BoundStage

EVALUATION_BATCH = 1024
GPU_LOOKS_EVERY = 64
"""Steps between looks at the losses: looking at one waits for the device. On a CPU it is free."""


@dataclass(frozen=True)
class Outcome:
    """What training leaves for the record; of a trial that did not end well, curves and cost."""

    evaluations: tuple[Evaluation, ...] = ()
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)


class Diverged(Exception):  # noqa: N818  an outcome, not a fault
    """A loss or a logit that is not finite. step and epoch are 1-based."""

    def __init__(self, what: str, *, step: int, epoch: int) -> None:
        super().__init__(f"{what} is not finite at step {step}, epoch {epoch}")
        self.step, self.epoch = step, epoch
        self.outcome = Outcome()


class TimeUp(Exception):  # noqa: N818
    """The trial's time limit has passed."""

    def __init__(self) -> None:
        super().__init__("the time limit has passed")
        self.outcome = Outcome()


@dataclass(frozen=True)
class Progress:
    """How far a trial is; score is the recipe's `best_by` on validation data, if there is any."""

    epoch: int
    epochs: int
    score: float | None


@dataclass
class Training:
    """A trial under way: what stays, and what grows with every step.

    losses  of the steps of the epoch under way
    images  seen so far, over all epochs
    """

    recipe: Recipe
    device: torch.device
    model: nn.Module
    optimizer: torch.optim.Optimizer
    stages: tuple[BoundStage, ...]
    schedule: Schedule
    augment: tuple[Augmentation, ...]
    normalise: Normalise
    train: Placed
    splits: dict[Split, Placed]
    shape: tuple[int, int]
    order: torch.Generator
    randomness: torch.Generator
    deadline: float
    epoch: int = 0
    steps: int = 0
    images: int = 0
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    losses: list[Tensor] = field(default_factory=list)
    curves: dict[str, list[float | None]] = field(default_factory=dict)


def train(
    trial: Trial,
    data: ProblemData,
    *,
    device: torch.device,
    threads: int = 1,
    time_limit: float = math.inf,
    report: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Train to the end and evaluate at all three checkpoint rules.

    time_limit is in seconds. Raises `Diverged` and `TimeUp`, with what there was by then, and
    `BackboneError` where the network does not take the images.
    """
    recipe = trial.recipe
    prepare_process(
        seed=stream_seed("init", trial.seed, trial.vary),
        threads=threads,
        deterministic=recipe.deterministic,
        device=device,
    )
    run = _start(trial, data, device, time.monotonic() + time_limit)
    checkpoints = Checkpoints(recipe.best_by, data.counts)
    try:
        for run.epoch in range(1, recipe.epochs + 1):
            _one_epoch(run, checkpoints, report)
    except (Diverged, TimeUp) as stop:
        stop.outcome = Outcome(curves=run.curves, cost=_cost(run))
        raise
    return Outcome(checkpoints.evaluations(), run.curves, _cost(run))


def _one_epoch(run: Training, checkpoints: Checkpoints, report: Callable[[Progress], None]) -> None:
    """Train for an epoch, and evaluate after it where the recipe says so."""
    recipe = run.recipe
    lr = learning_rate(recipe, run.schedule, run.epoch - 1)
    loss = _epoch(run, lr)
    if run.epoch % recipe.evaluate_every and run.epoch < recipe.epochs:
        return
    scores = checkpoints.see(run.epoch, _evaluate(run))
    point: dict[str, float | None] = {"epoch": run.epoch, "lr": lr, "train_loss": loss}
    point |= {f"{split}_{recipe.best_by}": value for split, value in scores.items()}
    for name, value in point.items():
        run.curves.setdefault(name, []).append(None if value is None else _short(value))
    report(Progress(run.epoch, recipe.epochs, scores.get("val")))


def _start(trial: Trial, data: ProblemData, device: torch.device, deadline: float) -> Training:
    recipe, summary = trial.recipe, data.summary
    method: Method = REGISTRY.make("method", trial.method)
    n_groups, n_classes = len(summary.groups), len(summary.classes)
    placed = Placed.of(data.train, n_groups=n_groups, device=device)
    splits: dict[Split, Placed] = {"test": Placed.of(data.test, n_groups=n_groups, device=device)}
    if data.val is not None:
        splits = {"val": Placed.of(data.val, n_groups=n_groups, device=device), **splits}

    def seed(name: Stream) -> int:
        return stream_seed(name, trial.seed, trial.vary)

    model = _model(recipe, method, data, seed("init")).to(device)
    return Training(
        recipe=recipe,
        device=device,
        model=model,
        optimizer=torch.optim.SGD(
            model.parameters(),
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        ),
        stages=_bind(method, data, recipe, device),
        schedule=REGISTRY.make("schedule", recipe.schedule),
        augment=tuple(REGISTRY.make("augmentation", part) for part in recipe.augment),
        normalise=Normalise.of(placed, recipe.mean, recipe.std),
        train=placed,
        splits=splits,
        shape=(n_groups, n_classes),
        order=torch.Generator().manual_seed(seed("order")),
        randomness=torch.Generator(device).manual_seed(seed("augment")),
        deadline=deadline,
    )


def _model(recipe: Recipe, method: Method, data: ProblemData, seed: int) -> nn.Module:
    _, side, _, channels = data.train.pixels.shape
    # Layers draw from the global generators: initialisation, and drop-out later on.
    torch.manual_seed(seed)
    model: nn.Module = build(
        recipe.backbone,
        n_classes=len(data.summary.classes),
        head=method.head,
        in_channels=channels,
        image_size=side,
    )
    return model.to(memory_format=torch.channels_last)


def _bind(
    method: Method, data: ProblemData, recipe: Recipe, device: torch.device
) -> tuple[BoundStage, ...]:
    firsts = method.first_epochs(recipe.epochs)
    return tuple(
        BoundStage.of(stage, data, device, first_epoch=first, step=step_of(recipe.sam, i))
        for i, (stage, first) in enumerate(zip(method.stages, firsts, strict=True))
    )


def _epoch(run: Training, lr: float) -> float:
    """One pass over the sampler's examples; the mean of the batches' losses."""
    began = time.perf_counter()
    stage = [s for s in run.stages if s.first_epoch < run.epoch][-1]
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    run.model.train()
    run.losses.clear()
    seen = 0
    chosen = order(len(run.train), stage.weights, run.order).to(run.device)
    for index in batches(chosen, run.recipe.batch):
        run.losses.append(_step(run, stage, index))
        run.steps += 1
        run.images += len(index)
        if time.monotonic() > run.deadline:
            raise TimeUp
        if len(run.losses) - seen >= (1 if run.device.type == "cpu" else GPU_LOOKS_EVERY):
            _check(run, run.losses[seen:])
            seen = len(run.losses)
    _check(run, run.losses[seen:])
    mean = float(torch.stack(run.losses).mean())
    run.train_seconds += time.perf_counter() - began
    return mean


def _step(run: Training, stage: BoundStage, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    pixels = augmented(run.train.pixels[index], run.augment, run.randomness)
    labels, rows = run.train.labels[index], run.train.rows[index]
    return stage.step(
        lambda: stage.batch_loss(_forward(run, pixels), labels, rows), run.model, run.optimizer
    )


def _forward(run: Training, pixels: UInt8[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
    images = run.normalise(pixels).contiguous(memory_format=torch.channels_last)
    with torch.autocast(
        run.device.type, dtype=torch.bfloat16, enabled=run.recipe.precision == "bf16"
    ):
        logits: Tensor = run.model(images)
    return logits.float()


def _check(run: Training, latest: list[Tensor]) -> None:
    """Raises `Diverged` at the first of the latest losses that is not finite."""
    if not latest:
        return
    finite = torch.isfinite(torch.stack(latest))
    if not bool(finite.all()):
        first = int((~finite).nonzero()[0])
        raise Diverged("the loss", step=run.steps - len(latest) + first + 1, epoch=run.epoch)


@torch.no_grad()
def _evaluate(run: Training) -> dict[Split, Counts]:
    """counts[group, label, prediction] of each split. Raises `Diverged` on logits not finite."""
    began = time.perf_counter()
    run.model.eval()
    counts = {name: _count(run, split) for name, split in run.splits.items()}
    run.eval_seconds += time.perf_counter() - began
    return counts


def _count(run: Training, split: Placed) -> Counts:
    n_groups, n_classes = run.shape
    total = torch.zeros(n_groups * n_classes**2, dtype=torch.int64, device=run.device)
    finite = torch.ones((), dtype=torch.bool, device=run.device)
    for start in range(0, len(split), EVALUATION_BATCH):
        part = slice(start, start + EVALUATION_BATCH)
        logits = _forward(run, split.pixels[part])
        finite &= torch.isfinite(logits).all()
        cells = (split.groups[part] * n_classes + split.labels[part]) * n_classes
        total += torch.bincount(cells + logits.argmax(1), minlength=len(total))
    if not bool(finite):
        raise Diverged("a logit", step=run.steps, epoch=run.epoch)
    return np.asarray(total.reshape(n_groups, n_classes, n_classes).cpu().numpy())


def _cost(run: Training) -> Cost:
    return Cost(
        train_seconds=run.train_seconds,
        eval_seconds=run.eval_seconds,
        images_per_second=run.images / run.train_seconds if run.train_seconds else None,
        peak_memory_gib=peak_memory_gib(),
        peak_gpu_memory_gib=peak_gpu_memory_gib(run.device),
        parameters=sum(p.numel() for p in run.model.parameters()),
    )


def _short(value: float) -> float:
    """Six significant digits: a curve is drawn, not computed with."""
    return float(f"{value:.6g}")
