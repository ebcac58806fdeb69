"""The course of each stage of a training: its epochs, steps and updates, and what they changed.

The course is recorded by the training. Before it, steps and updates are computed from the counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evenhand.declared.base import Spec
from evenhand.declared.held_out import trained_on
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import Method, Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.stage_parts import Retrospective, Subsampler


class StageCourse(Spec):
    """Course of one stage.

    >>> StageCourse(first_epoch=1, epochs=5, steps=27, updates=1, first_update=1).standing(1)
    'stage 1 makes its only update on held-out data before its first of 27 steps'
    """

    first_epoch: int
    """First epoch, 1-based and counted over all runs."""
    epochs: int
    """Number of epochs of the whole stage."""
    steps: int
    """Steps of the optimiser in the stage."""
    updates: int | None = None
    """Updates on held-out data by a controller or a hypergradient; None for a stage without."""
    first_update: int | None = None
    """1-based step of the stage that the first of these updates precedes; None without one."""
    errors: int | None = None
    """Training examples that the earlier network misclassified, where the sampler uses them."""
    examples: int | None = None
    """Training examples in all, where the sampler uses these errors."""
    moved: dict[str, float] = {}
    """Largest absolute change of the learned values since the stage began, by name."""

    def standing(self, number: int) -> str:
        """The reason why the stage of this number adapts nothing; "" if it may have adapted."""
        steps = f"{self.steps:,} step{'' if self.steps == 1 else 's'}"
        if self.updates == 0:
            return f"stage {number} makes no update on held-out data in {steps}"
        if self.updates == 1 and self.first_update == 1:
            before = f"before its first of {steps}"
            return f"stage {number} makes its only update on held-out data {before}"
        if self.moved and not any(self.moved.values()):
            names = " and ".join(name.replace("_", " ") for name in self.moved)
            return f"the learned values ({names}) of stage {number} do not move"
        if self.errors is not None and self.errors in (0, self.examples):
            which = "no" if self.errors == 0 else "every"
            return (
                f"the earlier network misclassifies {which} training example, so that stage "
                f"{number} draws all of them equally often"
            )
        return ""


def standing(stages: Sequence[StageCourse]) -> list[str]:
    """The reasons why stages adapt nothing, so that a method may equal a simpler one."""
    return list(filter(None, (stage.standing(n) for n, stage in enumerate(stages, 1))))


def expected_course(
    method: Method,
    recipe: Recipe,
    counts: TrainingCounts,
    held_out: TrainingCounts | None = None,
) -> tuple[StageCourse, ...]:
    """Epochs, steps and updates of each stage for a training set with these counts.

    held_out are the counts of the validation split. Stages are left out from the first one on whose
    sampler uses the errors of a network, or that trains on held-out examples of unknown counts.
    """
    found: list[StageCourse] = []
    done = 0
    for stage, first, epochs in stage_epochs(trained_on(method, recipe.train_on), recipe.epochs):
        sampler = stage.sampler
        trained = _trained_counts(stage, counts, held_out)
        if trained is None or isinstance(sampler, Retrospective):
            break
        chosen = sampler.kept(trained) if isinstance(sampler, Subsampler) else trained
        per_epoch = n_batches(int(np.sum(chosen)), recipe)
        steps = epochs * per_epoch
        due = update_steps(stage, epochs, per_epoch, done=done)
        found.append(
            StageCourse(
                first_epoch=first + 1,
                epochs=epochs,
                steps=steps,
                updates=None if due is None else len(due),
                first_update=due[0] + 1 if due else None,
            )
        )
        done += steps
    return tuple(found)


def _trained_counts(
    stage: Stage, counts: TrainingCounts, held_out: TrainingCounts | None
) -> TrainingCounts | None:
    """Counts of the examples that a stage trains on; None if they are not known."""
    if stage.train_on == "train":
        return counts
    return None if held_out is None else counts + held_out


def update_steps(
    stage: Stage, epochs: int, per_epoch: int, *, done: int = 0
) -> Sequence[int] | None:
    """0-based steps of a stage that an update on held-out data precedes; None without updates.

    done is the number of steps of the stages before it.
    """
    interval = interval_of(stage)
    if interval is None:
        return None
    if stage.outer is not None and stage.outer.by_epoch:
        starts = range(0, epochs * per_epoch, per_epoch)
        return [start + step for start in starts for step in range(0, per_epoch, interval)]
    # The interval is counted over all stages, from the first step of the training.
    return range(-done % interval, epochs * per_epoch, interval)


def stage_epochs(method: Method, epochs: int) -> Iterator[tuple[Stage, int, int]]:
    """Each stage with its first epoch, 0-based and over all runs, and its number of epochs."""
    first = method.first_epochs(epochs)
    ends = [*first[1:], method.total_epochs(epochs)]
    for stage, begins, end in zip(method.stages, first, ends[: len(first)], strict=True):
        yield stage, begins, end - begins


def n_batches(n: int, recipe: Recipe) -> int:
    """Batches of an epoch of n examples.

    A last batch that is not full counts unless the recipe drops it, or it has one example.
    """
    full, rest = divmod(n, recipe.batch)
    least = recipe.batch if recipe.drop_last and full else min(recipe.batch, 2)
    return full + (rest >= least)


def interval_of(stage: Stage) -> int | None:
    """Steps between two updates on held-out data; None for a stage without updates."""
    if stage.outer is not None:
        return stage.outer.interval
    return None if stage.controller is None else stage.controller.every
