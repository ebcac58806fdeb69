"""Train one trial: its method's stages, one after the other, under its recipe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from harness.backbones.networks.build import build
from harness.data.augmentations import Augmentation
from harness.data.splits import ProblemData
from harness.spec.method import BoundLoss, Method
from harness.spec.record import Cost, Evaluation, Split
from harness.spec.registry import REGISTRY
from harness.spec.streams import stream_seed
from harness.spec.trial import Recipe, Stream, Trial
from harness.train.checkpoints import Checkpoints
from harness.train.placed import Normalise, Placed, augmented, batches, order
from harness.train.process import peak_gpu_memory_gib, peak_memory_gib, prepare_process
from harness.train.schedules import learning_rate

EVALUATION_BATCH = 1024


class Diverged(Exception):
    """A loss or a logit that is not finite. step and epoch are 1-based."""

    def __init__(self, what: str, *, step: int, epoch: int) -> None:
        super().__init__(f"{what} is not finite at step {step}, epoch {epoch}")
        self.step, self.epoch = step, epoch


class TimeUp(Exception):
    """The trial's time limit has passed."""


@dataclass(frozen=True)
class Progress:
    """How far a trial is; score is the recipe's `best_by` on validation data, if there is any."""

    epoch: int
    epochs: int
    score: float | None


@dataclass(frozen=True)
class Outcome:
    """What training leaves for the record."""

    evaluations: tuple[Evaluation, ...]
    curves: dict[str, list[float | None]]
    cost: Cost


@dataclass(frozen=True)
class BoundStage:
    """A stage with everything filled in that depends on the training set."""

    loss: BoundLoss
    weighted_mean: bool
    weights: Float[np.ndarray, " n"] | None


@dataclass
class Training:
    """A trial under way. train_seconds and steps grow; losses holds those of the epoch."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    train: Placed
    normalise: Normalise
    augment: tuple[Augmentation, ...]
    recipe: Recipe
    device: torch.device
    order: torch.Generator
    randomness: torch.Generator
    deadline: float
    steps: int = 0
    images: int = 0
    losses: list[Tensor] = field(default_factory=list)


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

    time_limit is in seconds. Raises `Diverged`, `TimeUp`, and `BackboneError` where the network
    does not take the images.
    """
    started = time.perf_counter()
    recipe, deadline = trial.recipe, time.monotonic() + time_limit
    prepare_process(threads=threads, deterministic=recipe.deterministic, device=device)
    method: Method = REGISTRY.make("method", trial.method)
    run = _start(trial, method, data, device, deadline)
    stages = [_bind(stage, data, device) for stage in method.stages]
    borders = method.first_epochs(recipe.epochs)
    schedule = REGISTRY.make("schedule", recipe.schedule)
    n_groups, n_classes = len(data.summary.groups), len(data.summary.classes)
    places = {"val": data.val, "test": data.test}
    splits: dict[Split, Placed] = {
        split: Placed.of(images, n_groups=n_groups, device=device)
        for split, images in places.items()  # type: ignore[misc]
        if images is not None
    }
    checkpoints = Checkpoints(recipe.best_by, data.counts)
    curves: dict[str, list[float | None]] = {}
    train_seconds = eval_seconds = 0.0
    for epoch in range(recipe.epochs):
        lr = learning_rate(recipe, schedule, epoch)
        stage = stages[sum(epoch >= first for first in borders) - 1]
        clock = time.perf_counter()
        loss = _epoch(run, stage, lr, epoch)
        train_seconds += time.perf_counter() - clock
        if (epoch + 1) % recipe.evaluate_every and epoch + 1 < recipe.epochs:
            continue
        clock = time.perf_counter()
        counts = {s: _evaluate(run, p, n_groups, n_classes, epoch) for s, p in splits.items()}
        eval_seconds += time.perf_counter() - clock
        scores = checkpoints.see(epoch + 1, counts)
        point = {"epoch": epoch + 1, "lr": lr, "train_loss": loss}
        point |= {f"{split}_{recipe.best_by}": value for split, value in scores.items()}
        for name, value in point.items():
            curves.setdefault(name, []).append(None if value is None else _short(value))
        report(Progress(epoch + 1, recipe.epochs, scores.get("val")))
    cost = Cost(
        seconds=time.perf_counter() - started,
        train_seconds=train_seconds,
        eval_seconds=eval_seconds,
        images_per_second=run.images / train_seconds if train_seconds else None,
        peak_memory_gib=peak_memory_gib(),
        peak_gpu_memory_gib=peak_gpu_memory_gib(device),
        parameters=sum(p.numel() for p in run.model.parameters()),
    )
    return Outcome(checkpoints.evaluations(), curves, cost)


def _start(
    trial: Trial, method: Method, data: ProblemData, device: torch.device, deadline: float
) -> Training:
    recipe = trial.recipe

    def seed(name: Stream) -> int:
        return stream_seed(name, trial.seed, trial.vary)

    # Layers draw from the global generators: initialisation, and drop-out later on.
    torch.manual_seed(seed("init"))
    _, side, _, channels = data.train.pixels.shape
    model = build(
        recipe.backbone,
        n_classes=len(data.summary.classes),
        head=method.head,
        in_channels=channels,
        image_size=side,
    ).to(device, memory_format=torch.channels_last)
    placed = Placed.of(data.train, n_groups=len(data.summary.groups), device=device)
    return Training(
        model=model,
        optimizer=torch.optim.SGD(
            model.parameters(),
            lr=recipe.lr,
            momentum=recipe.momentum,
            nesterov=recipe.nesterov,
            weight_decay=recipe.weight_decay,
        ),
        train=placed,
        normalise=Normalise.of(placed, recipe.mean, recipe.std),
        augment=tuple(REGISTRY.make("augmentation", part) for part in recipe.augment),
        recipe=recipe,
        device=device,
        order=torch.Generator().manual_seed(seed("order")),
        randomness=torch.Generator(device).manual_seed(seed("augment")),
        deadline=deadline,
    )


def _bind(stage: object, data: ProblemData, device: torch.device) -> BoundStage:
    from harness.spec.method import Stage

    assert isinstance(stage, Stage)
    cells = stage.sampler.weights(data.counts)
    weights = None
    if cells is not None:
        weights = np.asarray(cells, dtype=np.float64)[data.train.labels, data.train.groups]
    bound = stage.loss.bind(data.counts, device)
    return BoundStage(bound, stage.reduce == "weighted_mean", weights)


def _epoch(run: Training, stage: BoundStage, lr: float, epoch: int) -> float:
    """One pass over the sampler's examples; the mean of the batches' losses."""
    for group in run.optimizer.param_groups:
        group["lr"] = lr
    run.model.train()
    run.losses.clear()
    chosen = order(len(run.train), stage.weights, run.order).to(run.device)
    for index in batches(chosen, run.recipe.batch):
        run.losses.append(_step(run, stage, index))
        run.steps += 1
        run.images += len(index)
        if time.monotonic() > run.deadline:
            raise TimeUp
        # On a CPU looking costs nothing; on a GPU it would wait for the device at every step.
        if run.device.type == "cpu":
            _check_losses(run, epoch)
    _check_losses(run, epoch)
    return float(torch.stack(run.losses).mean())


def _step(run: Training, stage: BoundStage, index: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    pixels = augmented(run.train.pixels[index], run.augment, run.randomness)
    labels, rows = run.train.labels[index], run.train.rows[index]
    logits = _forward(run, pixels)
    losses = stage.loss(logits, labels, rows)
    loss = losses.sum() / stage.loss.weights(rows).sum() if stage.weighted_mean else losses.mean()
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    run.optimizer.step()
    return loss.detach()


def _forward(run: Training, pixels: Tensor) -> Float[Tensor, "batch classes"]:
    images = run.normalise(pixels).contiguous(memory_format=torch.channels_last)
    bf16 = run.recipe.precision == "bf16"
    with torch.autocast(run.device.type, dtype=torch.bfloat16, enabled=bf16):
        logits: Tensor = run.model(images)
    return logits.float()


def _check_losses(run: Training, epoch: int) -> None:
    """Raises `Diverged` at the first loss of the epoch that is not finite."""
    unseen = run.losses[-1:] if run.device.type == "cpu" else run.losses
    finite = torch.isfinite(torch.stack(unseen))
    if not bool(finite.all()):
        first = int((~finite).nonzero()[0])
        step = run.steps - len(unseen) + first + 1
        raise Diverged("the loss", step=step, epoch=epoch + 1)


@torch.no_grad()
def _evaluate(
    run: Training, split: Placed, n_groups: int, n_classes: int, epoch: int
) -> Int[np.ndarray, "groups labels predictions"]:
    """counts[group, label, prediction] of a split. Raises `Diverged` on logits not finite."""
    run.model.eval()
    total = torch.zeros(n_groups * n_classes**2, dtype=torch.int64, device=run.device)
    finite = torch.ones((), dtype=torch.bool, device=run.device)
    for index in torch.arange(len(split), device=run.device).split(EVALUATION_BATCH):
        logits = _forward(run, split.pixels[index])
        finite &= torch.isfinite(logits).all()
        cells = (split.groups[index] * n_classes + split.labels[index]) * n_classes
        total += torch.bincount(cells + logits.argmax(1), minlength=len(total))
    if not bool(finite):
        raise Diverged("a logit", step=run.steps, epoch=epoch + 1)
    return total.reshape(n_groups, n_classes, n_classes).cpu().numpy()


def _short(value: float) -> float:
    """Six significant digits: a curve is drawn, not computed with."""
    return float(f"{value:.6g}")
