"""Train one trial: its method's stages, one after the other, under its recipe."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.data.splits import ProblemData
from evenhand.declared.record import Cost
from evenhand.declared.streams import stream_seed
from evenhand.declared.trial import Kept, Trial
from evenhand.metrics import recalls, score
from evenhand.recipes.schedules import learning_rate
from evenhand.train.angles import angle
from evenhand.train.device_data import batches, order
from evenhand.train.evaluation import evaluate_on, look
from evenhand.train.graphs import Stepper, stepper_of
from evenhand.train.initial import begin
from evenhand.train.outcome import Diverged, Ended, Outcome, Progress, Stopped, TimeUp
from evenhand.train.process import peak_gpu_memory_gib, peak_memory_gib, prepare_process
from evenhand.train.resume import Resumable
from evenhand.train.steering import as_evaluated, evaluated, steer
from evenhand.train.training import Training
from evenhand.train.transitions import enter, refit

GPU_LOOKS_EVERY = 64
"""Steps between looks at the losses: looking at one waits for the device. On a CPU it is free."""


@dataclass(frozen=True)
class Conduct:
    """How a trial is run; nothing in here may change a result beyond rounding.

    threads      CPU threads
    time_limit   seconds
    is_compiled  whether the network is compiled first
    keeps        what the trial keeps for others that read it
    stop         set from elsewhere, ends training at the next step
    """

    threads: int = 1
    time_limit: float = math.inf
    is_compiled: bool = False
    keeps: frozenset[Kept] = frozenset()
    stop: threading.Event | None = None


@dataclass(frozen=True)
class Lookout:
    """What looks at a trial from step to step, and may end it."""

    conduct: Conduct
    deadline: float
    saved: Resumable
    report: Callable[[Progress], None]

    def after_step(self, run: Training) -> None:
        """Raises `TimeUp` and `Stopped`."""
        is_stopped = self.conduct.stop is not None and self.conduct.stop.is_set()
        if is_stopped or time.monotonic() > self.deadline:
            self.saved.save(run)
            raise Stopped if is_stopped else TimeUp
        self.saved.save_if_due(run)


def train(
    trial: Trial,
    data: ProblemData,
    *,
    device: torch.device,
    conduct: Conduct = Conduct(),
    taught: Float[np.ndarray, "n classes"] | None = None,
    saved: Resumable | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Train to the end and evaluate at all three checkpoint rules.

    taught are a teacher's class probabilities for the training images, in place of their labels.

    Goes on from where `saved` holds a state of this trial. Raises `Diverged`, `TimeUp` and
    `Stopped`, with what there was by then, and `BackboneError` where the network does not take the
    images.
    """
    prepare_process(
        seed=stream_seed("init", trial.seed, trial.vary),
        threads=conduct.threads,
        deterministic=trial.recipe.deterministic,
        device=device,
    )
    watch = Lookout(conduct, time.monotonic() + conduct.time_limit, saved or Resumable(), report)
    with _own_stream(device):
        run = watch.saved.resume(
            lambda: begin(
                trial,
                data,
                device,
                is_compiled=conduct.is_compiled,
                keeps=conduct.keeps,
                taught=taught,
            )
        )
        return _train(run, stepper_of(trial, device, is_compiled=conduct.is_compiled), watch)


def _train(run: Training, stepper: Stepper, watch: Lookout) -> Outcome:
    try:
        while run.epoch <= run.epochs:
            enter(run)
            _one_epoch(run, stepper, watch)
            run.epoch += 1
            run.position = 0
        if run.refit:
            refit(run)
            _seen(run, {}, watch)
    except Ended as stop:
        stop.outcome = Outcome(curves=run.curves, cost=_cost(run))
        raise
    return Outcome(run.checkpoints.evaluations(), run.curves, _cost(run), _kept(run))


def _kept(run: Training) -> dict[Kept, dict[str, np.ndarray]]:
    """Arrays by name, of each kind that the trial keeps."""
    kept: dict[Kept, dict[str, np.ndarray]] = {}
    if "logits" in run.keeps:
        known = {f"{k}_labels": split.labels for k, split in run.splits.items()}
        known |= {f"{k}_groups": split.groups for k, split in run.splits.items()}
        labels = {name: tensor.cpu().numpy() for name, tensor in known.items()}
        kept["logits"] = labels | run.checkpoints.kept()
    if "train_logits" in run.keeps:
        with as_evaluated(run):
            logits = look(run, run.train, is_kept=True).logits
        assert logits is not None
        kept["train_logits"] = {"train_logits": logits}
    return kept


def _own_stream(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """On a GPU a stream for this trial alone: graphs are not captured on the one that all share.

    torch hands out 32 of them in turn, so that as many trials can share a process.
    """
    if device.type != "cuda":
        return contextlib.nullcontext()
    return torch.cuda.stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def _one_epoch(run: Training, stepper: Stepper, watch: Lookout) -> None:
    """Train for an epoch, and evaluate after it where the recipe says so."""
    began = run.stage.run
    recipe = run.recipe.model_copy(update={"epochs": began.epochs})
    lr = learning_rate(recipe, run.schedule, run.epoch - 1 - began.begins)
    run.set_learning_rate(lr)
    loss = _epoch(run, stepper, watch)
    if recipe.is_evaluated(run.epoch - began.begins):
        _seen(run, {"lr": lr, "train_loss": loss}, watch)


def _seen(run: Training, about: Mapping[str, float], watch: Lookout) -> None:
    """Evaluate the network as it is, and log it with what is said of the epoch."""
    recipe = run.recipe
    scores = run.checkpoints.see(evaluated(run))
    point: dict[str, float | None] = {"epoch": run.epoch, **about}
    point |= {f"{split}_{recipe.best_by}": value for split, value in scores.items()}
    if recipe.evaluate_train:
        point |= _of_training_images(run)
    if recipe.angle_to:
        point["angle"] = angle(run, recipe.angle_to)
    if about:
        point |= run.stage.curves()
    _log(run, point)
    total = run.epochs + (run.refit is not None)
    watch.report(Progress(run.epoch, total, scores.get("val")))


def _log(run: Training, point: dict[str, float | None]) -> None:
    """One more point of every curve; None where a curve has none here, as before it began."""
    length = len(run.curves.get("epoch", ()))
    for name in dict.fromkeys([*run.curves, *point]):
        value = point.get(name)
        curve = run.curves.setdefault(name, [None] * length)
        curve.append(None if value is None else _short(value))


def _of_training_images(run: Training) -> dict[str, float | None]:
    """Points of the curves `train_<best_by>` and, class by class, `train_recall_<label>`."""
    with as_evaluated(run):
        counts = evaluate_on(run, run.train)
    by = run.recipe.best_by
    seen = run.checkpoints
    overall = {f"train_{by}": score(by, counts, seen.train, seen.settings)}
    each = recalls(counts)
    return overall | {f"train_recall_{label}": float(each[label]) for label in range(len(each))}


def _epoch(run: Training, stepper: Stepper, watch: Lookout) -> float:
    """One pass over the sampler's examples; the mean of the batches' losses."""
    began, before = time.perf_counter(), run.train_seconds + run.eval_seconds
    run.model.train()
    looks_every = 1 if run.device.type == "cpu" else GPU_LOOKS_EVERY
    seen = 0
    for index in _remaining(run):
        steer(run)
        run.losses.append(stepper(run, index))
        run.position += 1
        run.steps += 1
        run.images += len(index)
        if run.position - seen >= looks_every:
            _check(run, run.losses[seen:])
            seen = run.position
        # Without what a controller's looks at held-out images took.
        run.train_seconds = before + time.perf_counter() - began - run.eval_seconds
        watch.after_step(run)
    _check(run, run.losses[seen:])
    mean = float(torch.stack(run.losses).mean())
    run.train_seconds = before + time.perf_counter() - began - run.eval_seconds
    return mean


def _remaining(run: Training) -> list[Int[Tensor, " batch"]]:
    """The batches of the epoch under way that are still to come."""
    if not run.position:
        run.order_before = run.order.get_state()
        run.losses.clear()
    stage = run.stage
    chosen = order(len(run.train), stage.weights, run.order, kept=stage.kept).to(run.device)
    recipe = run.recipe
    return list(batches(chosen, recipe.batch, drop_last=bool(recipe.drop_last)))[run.position :]


def _check(run: Training, latest: list[Tensor]) -> None:
    """Raises `Diverged` at the first of the latest losses that is not finite."""
    if not latest:
        return
    finite = torch.isfinite(torch.stack(latest))
    if not bool(finite.all()):
        first = int((~finite).nonzero()[0])
        raise Diverged("the loss", step=run.steps - len(latest) + first + 1, epoch=run.epoch)


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
