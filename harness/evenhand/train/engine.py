"""Training of one trial: its method's stages, one after the other, under its recipe."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.data.splits import ProblemData
from evenhand.declared.record import Cost
from evenhand.declared.streams import stream_seed
from evenhand.declared.trial import Kept, Trial
from evenhand.metrics import recalls, score
from evenhand.pulse import pulse
from evenhand.recipes.schedules import learning_rate
from evenhand.train import process
from evenhand.train.angles import angle
from evenhand.train.bound_terms import bound_terms
from evenhand.train.clock import running_seconds
from evenhand.train.courses import courses
from evenhand.train.device_data import batches, draw_order
from evenhand.train.evaluation import counts_of, predict
from evenhand.train.graphs import Stepper, stepper_of
from evenhand.train.held_out import evaluate_iterate, iterate_weights, update_on_held_out
from evenhand.train.initial_state import begin
from evenhand.train.optimizer_state import set_learning_rate
from evenhand.train.result import (
    Diverged,
    Progress,
    Stopped,
    TimeLimitReached,
    TrainingEnded,
    TrainingResult,
)
from evenhand.train.resume import Resumable
from evenhand.train.training import Training
from evenhand.train.transitions import begin_stage, prepare_epoch, refit

GPU_CHECK_EVERY = 64
"""Steps between checks for a loss that is not finite: reading a loss waits for the GPU."""


@runtime_checkable
class StopSign(Protocol):
    """A sign for training to stop at its next step, such as a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether training is to stop."""


@dataclass(frozen=True)
class TrainOptions:
    """Options of training that change no result beyond rounding."""

    threads: int = 1
    """CPU threads."""
    time_limit: float = math.inf
    """Seconds."""
    is_compiled: bool = False
    """Whether the network is compiled before training."""
    keeps: frozenset[Kept] = frozenset()
    """Arrays that the trial keeps for other trials."""
    stop: StopSign | None = None
    """Sign that ends training at the next step."""


@dataclass(frozen=True)
class Monitor:
    """Checks and saves between two steps of a training."""

    options: TrainOptions
    deadline: float
    """Time of `running_seconds` at which the time limit is reached."""
    saved: Resumable
    report: Callable[[Progress], None]

    def after_step(self, run: Training) -> None:
        """Save the state where it is due.

        Raises `TimeLimitReached` and `Stopped`, after the state was saved.
        """
        pulse()
        is_stopped = self.options.stop is not None and self.options.stop.is_set()
        if is_stopped or running_seconds() > self.deadline:
            self.saved.save(run)
            raise Stopped if is_stopped else TimeLimitReached
        self.saved.save_if_due(run)


def train(
    trial: Trial,
    data: ProblemData,
    *,
    device: torch.device,
    options: TrainOptions = TrainOptions(),
    targets: Float[np.ndarray, "n classes"] | None = None,
    saved: Resumable | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> TrainingResult:
    """Train to the end and evaluate at all three checkpoint rules.

    targets are a teacher's class probabilities of the training images, in place of their labels.
    Training resumes where `saved` holds a state of this trial. Raises `Diverged`,
    `TimeLimitReached` and `Stopped`, each with the results so far, and `BackboneError` where the
    network cannot take the images.
    """
    process.prepare_process(
        seed=stream_seed("init", trial.seed, trial.vary),
        threads=options.threads,
        deterministic=trial.recipe.deterministic,
        device=device,
    )
    monitor = Monitor(options, running_seconds() + options.time_limit, saved or Resumable(), report)
    with own_stream(device):
        run = monitor.saved.resume(
            lambda: begin(
                trial,
                data,
                device,
                is_compiled=options.is_compiled,
                keeps=options.keeps,
                targets=targets,
            )
        )
        return _train(run, stepper_of(trial, device, is_compiled=options.is_compiled), monitor)


def _train(run: Training, stepper: Stepper, monitor: Monitor) -> TrainingResult:
    try:
        while run.epoch <= run.epochs:
            begin_stage(run)
            _run_epoch(run, stepper, monitor)
            run.epoch += 1
            run.position = 0
        if run.refit:
            refit(run)
            evaluate_and_log(run, {}, monitor)
    except TrainingEnded as end:
        end.result = TrainingResult(curves=run.curves, cost=_cost(run), stages=courses(run))
        raise
    evaluations, kept = run.checkpoints.evaluations(), _kept(run)
    return TrainingResult(evaluations, run.curves, _cost(run), kept, courses(run))


def _kept(run: Training) -> dict[Kept, dict[str, np.ndarray]]:
    """Arrays by name, for each kind that the trial keeps."""
    kept: dict[Kept, dict[str, np.ndarray]] = {}
    if "logits" in run.keeps:
        known = {f"{k}_labels": split.labels for k, split in run.splits.items()}
        known |= {f"{k}_groups": split.groups for k, split in run.splits.items()}
        labels = {name: tensor.cpu().numpy() for name, tensor in known.items()}
        kept["logits"] = labels | run.checkpoints.kept()
    if "train_logits" in run.keeps:
        with iterate_weights(run):
            logits = predict(run, run.data["train"].train, is_kept=True).logits
        assert logits is not None
        kept["train_logits"] = {"train_logits": logits}
    return kept


def own_stream(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """A CUDA stream for this trial alone; nothing on a CPU.

    A CUDA graph cannot be captured on the default stream. torch has a pool of 32 streams, so that
    up to 32 trials can share a process.
    """
    if device.type != "cuda":
        return contextlib.nullcontext()
    return torch.cuda.stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def _run_epoch(run: Training, stepper: Stepper, monitor: Monitor) -> None:
    """Train for an epoch, and evaluate after it where the recipe evaluates."""
    began = run.stage.run
    # Warm-up and drops are shares of the run's own epochs, which need not be the recipe's.
    recipe, own = run.recipe.model_copy(update={"epochs": began.epochs}), run.stage.schedule
    if own is not None:
        recipe = recipe.model_copy(update={"warmup": 0.0})
    lr = learning_rate(recipe, own or run.schedule, run.epoch - 1 - began.begins)
    set_learning_rate(run.optimizer, lr)
    loss = train_epoch(run, stepper, monitor)
    if recipe.is_evaluated(run.epoch - began.begins):
        evaluate_and_log(run, {"lr": lr, "train_loss": loss}, monitor)


def evaluate_and_log(run: Training, about: Mapping[str, float], monitor: Monitor) -> None:
    """Evaluate the network, and log the scores with the values `about` the epoch."""
    recipe = run.recipe
    scores = run.checkpoints.add(evaluate_iterate(run))
    point: dict[str, float | None] = {"epoch": run.epoch, **about}
    point |= {f"{split}_{recipe.best_by}": value for split, value in scores.items()}
    if recipe.evaluate_train:
        point |= _training_scores(run)
    if recipe.angle_to:
        point["angle"] = angle(run, recipe.angle_to)
    if about:
        point |= run.stage.curves()
    _log(run, point)
    total = run.epochs + (run.refit is not None)
    monitor.report(Progress(run.epoch, total, scores.get("val")))


def _log(run: Training, point: dict[str, float | None]) -> None:
    """Add a point to every curve; None where a curve has no value, as before its first one."""
    length = len(run.curves.get("epoch", ()))
    for name in dict.fromkeys([*run.curves, *point]):
        value = point.get(name)
        curve = run.curves.setdefault(name, [None] * length)
        curve.append(None if value is None else _rounded(value))


def _training_scores(run: Training) -> dict[str, float | None]:
    """Points of the curves `train_<best_by>` and `train_recall_<label>`, and the bound's terms."""
    with iterate_weights(run):
        predicted = predict(run, run.train, is_scored=bool(run.recipe.bound_terms))
    counts = counts_of(run, run.train, predicted)
    terms = {} if predicted.scores is None else bound_terms(run, predicted.scores)
    by = run.recipe.best_by
    seen = run.checkpoints
    overall = {f"train_{by}": score(by, counts, seen.train, seen.settings)}
    each = recalls(counts)
    of_classes = {f"train_recall_{label}": float(each[label]) for label in range(len(each))}
    return overall | of_classes | terms


def train_epoch(run: Training, stepper: Stepper, monitor: Monitor) -> float:
    """Train on the sampler's examples of one epoch; the mean of the batches' losses."""
    began, before = running_seconds(), run.train_seconds + run.eval_seconds
    prepare_epoch(run)
    check_every = 1 if run.device.type == "cpu" else GPU_CHECK_EVERY
    checked = 0
    for index in _remaining(run):
        update_on_held_out(run)
        # Copied, because a tensor that stays alive at every step fragments the heap of a CPU: the
        # memory of larger tensors below it is then never returned.
        run.losses[run.position].copy_(stepper(run, index))
        run.position += 1
        run.steps += 1
        run.stage.tally.steps += 1
        run.images += len(index)
        if run.position - checked >= check_every:
            _check(run, checked)
            checked = run.position
        # Without the time of evaluations for a controller, which counts as evaluation.
        run.train_seconds = before + running_seconds() - began - run.eval_seconds
        monitor.after_step(run)
    _check(run, checked)
    run.stage.tally.measure(run.stage.learned())
    mean = float(run.losses.mean())
    run.train_seconds = before + running_seconds() - began - run.eval_seconds
    return mean


def _remaining(run: Training) -> list[Int[Tensor, " batch"]]:
    """The batches of the current epoch that are not done yet."""
    # A resumed epoch draws its order again, from the saved state of the generator, and skips the
    # batches that are done: the order itself need not be saved.
    if not run.position:
        run.order_before = run.order.get_state()
    stage = run.stage
    chosen = draw_order(len(run.train), stage.weights, run.order, kept=stage.kept).to(run.device)
    recipe = run.recipe
    found = list(batches(chosen, recipe.batch, drop_last=bool(recipe.drop_last)))
    done = run.losses[: run.position]
    run.losses = torch.empty(len(found), device=run.device)
    run.losses[: run.position] = done
    return found[run.position :]


def _check(run: Training, checked: int) -> None:
    """Raise `Diverged` for the first loss of the epoch after `checked` that is not finite."""
    finite = torch.isfinite(run.losses[checked : run.position])
    if not bool(finite.all()):
        first = int((~finite).nonzero()[0])
        step = run.steps - len(finite) + first + 1
        raise Diverged("the loss", step=step, epoch=run.epoch)


def _cost(run: Training) -> Cost:
    return Cost(
        train_seconds=run.train_seconds,
        eval_seconds=run.eval_seconds,
        images_per_second=run.images / run.train_seconds if run.train_seconds else None,
        peak_memory_gib=process.peak_memory_gib(),
        peak_gpu_memory_gib=process.peak_gpu_memory_gib(run.device),
        reserved_gpu_memory_gib=process.reserved_gpu_memory_gib(run.device),
        parameters=sum(p.numel() for p in run.model.parameters()),
    )


def _rounded(value: float) -> float:
    """The value to six significant digits, which is enough to draw a curve."""
    return float(f"{value:.6g}")
