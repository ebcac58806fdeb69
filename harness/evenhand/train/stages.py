"""A method's stages, with everything filled in that depends on the training set and the recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from evenhand.data.splits import ProblemData
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import Drawing, Method, Run, Stage
from evenhand.declared.stage_parts import (
    Learnable,
    Reduction,
    Subsampler,
)
from evenhand.declared.trial import Recipe
from evenhand.losses.soft import SoftLabels
from evenhand.train.bilevel import bind as bind_outer
from evenhand.train.reducing import PLAIN
from evenhand.train.sam import Step, step_of
from evenhand.train.training import BoundStage


@dataclass(frozen=True)
class Material:
    """What stages are bound to.

    known       [classes, groups] what losses take for the training counts: those, or the sums of a
                teacher's class probabilities (narasimhan2021training, Sec. 6: the priors in the
                gains are the teacher's)
    randomness  what a loss draws from that draws
    draw        makes a generator of what is drawn once; the same at each call
    """

    data: ProblemData
    known: TrainingCounts
    randomness: torch.Generator
    draw: Callable[[], np.random.Generator]


def bind(
    method: Method, material: Material, recipe: Recipe, device: torch.device
) -> tuple[BoundStage, ...]:
    """All stages of a method. Those with one learnable loss, or policy, share it."""
    places = [
        (run, first, step_of(recipe.sam, i))
        for run in method.runs(recipe.epochs)
        for i, first in enumerate(run.firsts)
    ]
    found: list[BoundStage] = []
    for stage, (run, first, step) in zip(method.stages, places, strict=True):
        found.append(_bound(stage, material, device, found, run=run, first=first, step=step))
    return tuple(found)


def _bound(
    stage: Stage,
    material: Material,
    device: torch.device,
    before: Sequence[BoundStage],
    *,
    run: Run,
    first: int,
    step: Step,
) -> BoundStage:
    data, known = material.data, material.known
    classes, groups = data.summary.classes, data.summary.groups
    loss = _shared(before, "loss", stage.loss) or stage.loss.bind(known, device)
    if isinstance(loss, Drawing):
        loss = loss.drawing_from(material.randomness)
    reduction = stage.reduce
    bound = BoundStage(
        spec=stage,
        run=run,
        first_epoch=first,
        step=step,
        loss=loss,
        soft=SoftLabels(loss, data.counts.shape[1]),
        reduction=reduction.bind(data.counts, device, classes=classes, groups=groups)
        if isinstance(reduction, Reduction)
        else PLAIN[reduction],
        weights=_weights(stage, data),
        kept=_kept(stage, data, material.draw),
    )
    if stage.controller:
        shares = known / known.sum()
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


def _shared(before: Sequence[BoundStage], name: str, spec: object) -> Any:
    """What an earlier stage made of the same declaration, if that can be learned."""
    for stage in before:
        part = getattr(stage, name)
        if getattr(stage.spec, name) == spec and isinstance(part, Learnable):
            return part
    return None


def _weights(stage: Stage, data: ProblemData) -> Float[np.ndarray, " n"] | None:
    weights = stage.sampler.weights(data.counts)
    if weights is None:
        return None
    by_cell = np.asarray(weights, np.float64)
    return np.asarray(by_cell[data.train.labels, data.train.groups])


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
