"""Times of the parts of a training, measured on a few batches with the engine's own code.

A trial is priced by these times and its own numbers of images, steps and evaluations
(`evenhand.execution.pricing`). No measured step is kept: nothing here leads to a record.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float

from evenhand.data.splits import ProblemData
from evenhand.declared.held_out import trained_on
from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import REGISTRY
from evenhand.declared.static_step import is_static
from evenhand.declared.trial import Trial
from evenhand.train.bilevel import BoundHypergradient
from evenhand.train.device_data import DeviceSplit
from evenhand.train.engine import Monitor, TrainOptions, evaluate_and_log, own_stream, train_epoch
from evenhand.train.evaluation import predict
from evenhand.train.graphs import Stepper, stepper_of
from evenhand.train.initial_state import begin
from evenhand.train.process import prepare_process
from evenhand.train.resume import Resumable
from evenhand.train.training import BoundStage, Training
from evenhand.train.transitions import solve_head

BATCHES = 4
"""Batches of an epoch that is timed."""
PROBED = 8
"""Images of the first batch, by which the size of the others is chosen."""
SECONDS_A_STEP = 0.5
"""Time of a step above which a smaller batch is timed on a CPU; times are scaled by the images."""
SECONDS_OF_AN_EVALUATION = 2.0
"""Time of an evaluation above which only `PROBED` images are predicted."""
SECONDS_OF_A_SEARCH_STEP = 0.02
"""Time of a step on the batch of a hypergradient that is timed on a CPU."""
LEAST_SECONDS = 0.4
"""Time after which a measurement is not repeated."""
MOST_REPEATS = 9
"""Largest number of times that a measurement is repeated."""
MONITOR = Monitor(TrainOptions(), math.inf, Resumable(), lambda _: None)
"""Monitor of a training that is timed: no limit, no saved state, no reports."""


@dataclass
class StageTimes:
    """Times of one stage, in seconds."""

    per_image: float
    """Training on one image."""
    capture: float = 0.0
    """First steps on a GPU, where every trial captures its graphs anew."""
    hypergradient: float = 0.0
    """One hypergradient, for one training image of its batches."""


@dataclass
class Times:
    """Times of the parts of trials with one recipe and one form of input, in seconds."""

    begin: float = 0.0
    """Building the network and binding the stages."""
    evaluated: float = 0.0
    """Evaluation of one image, with the scores and the curves."""
    predicted: float = 0.0
    """Prediction for one image."""
    stages: dict[Hashable, StageTimes] = field(default_factory=dict)
    """Times of the stages by `stage_kind`."""
    refits: dict[str, float] = field(default_factory=dict)
    """Refit of the head, for one image of its split, by method."""


def stage_kind(trial: Trial, method: Method, place: int) -> Hashable:
    """What the time of a stage's step depends on, beside the recipe and the form of the input."""
    stage: Stage = method.stages[place]
    sam = trial.recipe.sam
    is_sharp = sam is not None and sam.radius(place) > 0
    kinds = type(stage.loss), type(stage.reduce), type(stage.policy)
    trained = stage.trains, stage.statistics, stage.mixes, trial.teacher is None
    return (*kinds, *trained, method.head, is_sharp, stage.outer, is_static(trial))


def add_times(
    times: Times, trial: Trial, data: ProblemData, *, device: torch.device, threads: int
) -> None:
    """Measure what a trial needs and `times` does not have yet.

    data is a sample of the problem's images with the counts of the whole training set. Raises
    `EvenhandError` where the trial cannot be made, and `TrainingEnded` where a measured value is
    not finite.
    """
    method = trained_on(REGISTRY.make("method", trial.method), trial.recipe.train_on)
    kinds = [stage_kind(trial, method, place) for place in range(len(method.stages))]
    refit = None if str(trial.method) in times.refits else method.refit
    if times.begin and refit is None and all(kind in times.stages for kind in kinds):
        return
    prepare_process(
        seed=0, threads=threads, deterministic=trial.recipe.deterministic, device=device
    )
    with own_stream(device):
        began = _now(device)
        run = begin(trial, data, device, targets=_equal_targets(trial, data))
        times.begin = max(times.begin, _now(device) - began)
        stepper = stepper_of(trial, device)
        for kind, stage in zip(kinds, run.stages, strict=True):
            if kind not in times.stages:
                times.stages[kind] = _stage_times(run, stage, stepper)
        # The first run evaluates every split.
        run.epoch = 1
        if not times.evaluated:
            _add_evaluation(times, run)
        if refit is not None:
            split = run.splits["val"] if refit.split == "val" else run.train
            seconds = _seconds(device, lambda: solve_head(run, refit), repeats=1)
            times.refits[str(trial.method)] = seconds / len(split)


def _add_evaluation(times: Times, run: Training) -> None:
    """Time an evaluation; of a slow network only the predictions of few images."""
    few = run.splits["test"].first(PROBED)
    seconds = _seconds(run.device, lambda: predict(run, few), repeats=1) / len(few)
    n_held_out = sum(map(len, run.splits.values()))
    if seconds * n_held_out > SECONDS_OF_AN_EVALUATION:
        times.evaluated = times.predicted = seconds
        return
    n_all = n_held_out + (len(run.train) if run.recipe.evaluate_train else 0)
    times.evaluated = _seconds(run.device, lambda: evaluate_and_log(run, {}, MONITOR)) / n_all
    seconds = _seconds(run.device, lambda: [predict(run, s) for s in run.splits.values()])
    times.predicted = seconds / n_held_out


def _equal_targets(trial: Trial, data: ProblemData) -> Float[np.ndarray, "n classes"] | None:
    """Equal class probabilities in place of a teacher's."""
    if trial.teacher is None:
        return None
    n_classes = len(data.summary.classes)
    return np.full((len(data.train), n_classes), 1 / n_classes, np.float32)


def _stage_times(run: Training, stage: BoundStage, stepper: Stepper) -> StageTimes:
    """Times of a stage; its steps are timed without its controller and without its search."""
    left_out = ("outer", "controller", "kept", "weights")
    before = {name: getattr(stage, name) for name in left_out}
    for name in left_out:
        setattr(stage, name, None)
    whole, recipe = run.train, run.recipe
    run.epoch = stage.first_epoch + 1
    size = _affordable(run, stepper)
    _train_on(run, whole, size, BATCHES if size > PROBED else 1)
    first = _seconds(run.device, lambda: _train(run, stepper), repeats=1)
    seconds = _seconds(run.device, lambda: _train(run, stepper))
    found = StageTimes(seconds / len(run.train))
    if run.device.type == "cuda":
        found.capture = max(0.0, first - seconds)
    if isinstance(before["outer"], BoundHypergradient):
        found.hypergradient = _hypergradient(run, before["outer"], found.per_image)
    _set_images(run, whole)
    run.recipe = recipe
    for name, value in before.items():
        setattr(stage, name, value)
    return found


def _hypergradient(run: Training, outer: BoundHypergradient, per_image: float) -> float:
    """Time of a hypergradient for one training image of its batches, on one small batch."""
    batch = run.recipe.batch
    if run.device.type == "cpu":
        batch = max(PROBED, min(batch, int(SECONDS_OF_A_SEARCH_STEP / per_image)))
    _train_on(run, run.train, batch, 1)
    # Before the first step of a training a hypergradient is due.
    run.steps, run.position = 0, 0
    small = replace(outer, spec=replace(outer.spec, batches=1))
    # The first one is longer: its power iteration begins at a random vector.
    small.step(run)
    return _seconds(run.device, lambda: small.step(run), repeats=1) / len(run.train)


def _train(run: Training, stepper: Stepper) -> None:
    """Train for an epoch."""
    run.position = 0
    train_epoch(run, stepper, MONITOR)


def _affordable(run: Training, stepper: Stepper) -> int:
    """Size of the batches to time: the recipe's, or fewer images where a step takes too long."""
    whole, recipe = run.train, run.recipe
    if run.device.type == "cuda":
        return recipe.batch
    _train_on(run, whole, PROBED, 1)
    _train(run, stepper)
    seconds = _seconds(run.device, lambda: _train(run, stepper), repeats=1) / len(run.train)
    _set_images(run, whole)
    run.recipe = recipe
    return max(PROBED, min(recipe.batch, int(SECONDS_A_STEP / seconds)))


def _train_on(run: Training, whole: DeviceSplit, batch: int, n_batches: int) -> None:
    """Make the first images of a split the training set, in some batches of one size."""
    _set_images(run, whole.first(n_batches * batch))
    run.recipe = run.recipe.model_copy(update={"batch": batch})


def _set_images(run: Training, train: DeviceSplit) -> None:
    """Replace the training images of the current run."""
    run.data[run.stage.spec.train_on] = replace(run.run_data, train=train)


def _seconds(
    device: torch.device, work: Callable[[], object], repeats: int = MOST_REPEATS
) -> float:
    """Median time of some work, which is repeated until `LEAST_SECONDS` have passed."""
    found: list[float] = []
    while len(found) < repeats and sum(found) < LEAST_SECONDS:
        began = _now(device)
        work()
        found.append(_now(device) - began)
    return statistics.median(found)


def _now(device: torch.device) -> float:
    """Clock in seconds, after a GPU has finished its work.

    On one core it is the processor's time, which other work on the machine hardly changes.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() if _is_shared(device) else time.process_time()


def _is_shared(device: torch.device) -> bool:
    """Whether more than one core, or a GPU, does the work."""
    return device.type != "cpu" or torch.get_num_threads() > 1
