"""Binding of a method's stages to a training set and a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from evenhand.data.splits import ProblemData
from evenhand.declared.base import Part
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.loss import StochasticLoss
from evenhand.declared.method import Method, Run, Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.stage_parts import (
    BoundReduction,
    ByEpoch,
    Learnable,
    Reduction,
    Subsampler,
)
from evenhand.losses.soft_labels import SoftLabels
from evenhand.train.bilevel import bind as bind_outer
from evenhand.train.reductions import STATELESS
from evenhand.train.sam import Step, step_of
from evenhand.train.training import BoundStage, WeightsAt


@dataclass(frozen=True)
class StageInputs:
    """Data, counts and generators that stages are bound to."""

    data: ProblemData
    label_counts: TrainingCounts
    """Counts that losses use: those of the training set, or sums of a teacher's probabilities.

    The latter because the priors in the gains are the teacher's (narasimhan2021training, Sec. 6).
    """
    randomness: torch.Generator
    """Generator of losses that draw at each step."""
    new_generator: Callable[[], np.random.Generator]
    """Makes the generator of a draw that is made once; the same at each call."""

    def of(self, stage: Stage) -> StageInputs:
        """The inputs of a stage, by the images that it trains on."""
        if stage.train_on == "train":
            return self
        pooled = self.data.pooled
        return replace(self, data=pooled, label_counts=pooled.counts)


def bind(
    method: Method, inputs: StageInputs, recipe: Recipe, device: torch.device
) -> tuple[BoundStage, ...]:
    """Bind all stages of a method. Stages that declare the same learnable part share it."""
    places = [
        (run, first, step_of(recipe.sam, i))
        for run in method.runs(recipe.epochs)
        for i, first in enumerate(run.firsts)
    ]
    found: list[BoundStage] = []
    for stage, (run, first, step) in zip(method.stages, places, strict=True):
        mine = inputs.of(stage)
        found.append(_bound(stage, mine, device, found, run=run, first=first, step=step))
    return tuple(found)


def _bound(
    stage: Stage,
    inputs: StageInputs,
    device: torch.device,
    before: Sequence[BoundStage],
    *,
    run: Run,
    first: int,
    step: Step,
) -> BoundStage:
    data, label_counts = inputs.data, inputs.label_counts
    classes, groups = data.summary.classes, data.summary.groups
    loss = _shared(before, "loss", stage.loss) or stage.loss.bind(label_counts, device)
    if isinstance(loss, StochasticLoss):
        loss = loss.drawing_from(inputs.randomness)
    bound = BoundStage(
        spec=stage,
        run=run,
        schedule=REGISTRY.make("schedule", Part(name=stage.schedule)) if stage.schedule else None,
        first_epoch=first,
        step=step,
        loss=loss,
        soft=SoftLabels(loss, data.counts.shape[1]),
        reduction=_reduction(stage, data, device),
        weights=_weights(stage, data),
        weights_at=_weights_at(stage, data, run),
        kept=_kept(stage, data, inputs.new_generator),
    )
    if stage.controller:
        shares = label_counts / label_counts.sum()
        bound.controller = stage.controller.bind(
            loss, data.counts, shares, classes=classes, groups=groups
        )
    if stage.policy:
        shared = _shared(before, "policy", stage.policy)
        bound.policy = shared or stage.policy.bind(data.counts, device)
    if stage.outer:
        assert data.val is not None, "checked with the suite"
        held_out = data.val.counts(*data.counts.shape)
        bound.outer = bind_outer(stage.outer, bound.learnables, held_out, device)
    return bound


def _reduction(stage: Stage, data: ProblemData, device: torch.device) -> BoundReduction:
    if not isinstance(stage.reduce, Reduction):
        return STATELESS[stage.reduce]
    classes, groups = data.summary.classes, data.summary.groups
    return stage.reduce.bind(data.counts, device, classes=classes, groups=groups)


def _shared(before: Sequence[BoundStage], name: str, spec: object) -> Any:
    """The learnable part that an earlier stage bound from the same declaration, if any."""
    for stage in before:
        part = getattr(stage, name)
        if getattr(stage.spec, name) == spec and isinstance(part, Learnable):
            return part
    return None


def _weights(stage: Stage, data: ProblemData) -> Float[np.ndarray, " n"] | None:
    weights = stage.sampler.weights(data.counts)
    return None if weights is None else _by_example(weights, data)


def _weights_at(stage: Stage, data: ProblemData, run: Run) -> WeightsAt | None:
    sampler = stage.sampler
    if not isinstance(sampler, ByEpoch):
        return None
    return lambda epoch: _by_example(
        sampler.weights_at(data.counts, epoch=epoch - run.begins, epochs=run.epochs), data
    )


def _by_example(
    by_cell: Float[np.ndarray, "classes groups"], data: ProblemData
) -> Float[np.ndarray, " n"]:
    each = np.asarray(by_cell, np.float64)[data.train.labels, data.train.groups]
    return np.asarray(each)


def _kept(
    stage: Stage, data: ProblemData, draw: Callable[[], np.random.Generator]
) -> Int[np.ndarray, " kept"] | None:
    if not isinstance(stage.sampler, Subsampler):
        return None
    generator, wanted = draw(), stage.sampler.kept(data.counts)
    cells = data.train.labels * data.counts.shape[1] + data.train.groups
    return np.sort(
        np.concatenate(
            [
                generator.permutation(np.flatnonzero(cells == cell))[:n]
                for cell, n in enumerate(wanted.ravel())
            ]
        )
    )
