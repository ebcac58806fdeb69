"""Sentences on the epochs at which the stages of a trial and the drops of its rate begin."""

from __future__ import annotations

from evenhand.declared.course import StageCourse, stage_epochs
from evenhand.declared.data_sentences import Fact
from evenhand.declared.method import Method, Run, Stage, Trains
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.timetable import phases_of, recipe_of, warmup_epochs
from evenhand.declared.trial import Trial
from evenhand.errors import EvenhandError


def timetable(trial: Trial) -> list[Fact]:
    """The beginnings of stages and drops, as 1-based epochs over all runs.

    Empty for a post-hoc trial, and for parts that are no longer registered.
    """
    if trial.posthoc is not None:
        return []
    try:
        method: Method = REGISTRY.make("method", trial.method)
        runs = method.runs(trial.recipe.epochs)
        firsts = [stages[0] for stages in method.stages_by_run()]
        rates = "; ".join(
            _rate(stage, trial.recipe, run) for stage, run in zip(firsts, runs, strict=True)
        )
    except EvenhandError:
        return []
    begun = [run.begins for run in runs[1:]]
    stages = [
        f"{number} {beginning(stage) + ' ' if first in begun else ''}from epoch {first + 1}"
        for number, (stage, first, _) in enumerate(stage_epochs(method, trial.recipe.epochs), 1)
    ]
    return [Fact("stages", ", ".join(stages)), Fact("learning rate", rates)] if stages else []


TRAINED: dict[Trains, str] = {
    "all": "with the weights so far",
    "head": "of the last layer",
    "scale": "of the scale of the logits",
}
"""Phrases for a run that keeps the weights, by what it trains."""


def beginning(stage: Stage) -> str:
    """What a later run begins with, or trains, by its first stage."""
    return "from scratch" if stage.restart else TRAINED[stage.trains]


def _rate(first: Stage, recipe: Recipe, run: Run) -> str:
    """`rising to lr at epoch 5, × 0.01 from epoch 161`, of one run with this first stage."""
    recipe = recipe_of(first, recipe)
    rising = warmup_epochs(recipe, run.epochs)
    parts = [f"lr from epoch {run.begins + 1}"]
    if recipe.warmup and rising < 2:
        why = "without the warm-up, which is shorter than two epochs"
        parts = [f"lr from epoch {run.begins + 1}, {why}"]
    elif recipe.warmup:
        parts = [f"rising to lr at epoch {run.begins + rising}"]
    parts += [f"schedule {first.schedule}"] if first.schedule else []
    phases = [
        f"{p.what} from epoch {run.begins + p.first + 1}" for p in phases_of(recipe, run.epochs)
    ]
    return ", ".join([*parts, *phases])


def describe_stage(number: int, course: StageCourse) -> str:
    """`27 steps, 1 update on held-out data, multipliers moved by at most 0.02`."""
    parts = [f"{course.epochs} epochs, {course.steps:,} steps"]
    if course.updates is not None:
        before = f", the first before step {course.first_update}" if course.first_update else ""
        parts.append(f"updates on held-out data: {course.updates:,}{before}")
    if course.errors is not None:
        of = f" of {course.examples:,}" if course.examples else ""
        parts.append(f"errors of the earlier network: {course.errors:,}{of}")
    moved = [f"{name.replace('_', ' ')} {by:.3g}" for name, by in course.moved.items()]
    parts += [f"largest movement: {', '.join(moved)}"] if moved else []
    reason = course.standing(number)
    return "; ".join([*parts, *([f"note: {reason}"] if reason else [])])
