"""Stages of a suite that will adapt nothing, computed from the counts before anything trains."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from evenhand.declared.course import StageCourse, expected_course, interval_of, standing
from evenhand.declared.labels import TrainingCounts
from evenhand.declared.method import Method
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.split_counts import SplitCounts, split_counts
from evenhand.declared.stage_parts import Subsampler
from evenhand.declared.timetable import warmup_epochs
from evenhand.declared.trial import Problem, Trial
from evenhand.suite.problems import known_counts
from evenhand.suite.resolve import Suite

HOW = "lower its interval (`every`), or raise `epochs`"


class Standstill(NamedTuple):
    """A row on a problem whose method cannot adapt as it is declared."""

    row: str
    problem: str
    reason: str

    def __str__(self) -> str:
        return f"{self.row} on {self.problem}: {self.reason}; {HOW}"


def find_standstills(
    suite: Suite, counts: Mapping[str, TrainingCounts] | None = None
) -> tuple[Standstill, ...]:
    """The rows that make no update in training, on the problems whose counts are known.

    counts  training counts [classes, groups] of the problems whose files were read, by name
    """
    found: dict[Standstill, None] = {}
    for configuration in suite.configurations:
        trial = configuration.trials[0]
        known = (counts or {}).get(trial.problem.name)
        for each in filter(None, (trial, trial.parent)):
            method: Method = REGISTRY.make("method", each.method)
            # The counts are computed for methods with updates alone: a suite may have thousands.
            adapts = each.posthoc is None and any(map(interval_of, method.stages))
            for reason in standing(_expected(method, each, known) if adapts else ()):
                row = configuration.row if each is trial else f"{configuration.row} (parent)"
                found[Standstill(row, trial.problem.name, reason)] = None
    return tuple(found)


def expected_stages(trial: Trial, counts: TrainingCounts | None = None) -> tuple[StageCourse, ...]:
    """The course of a trial's stages; none where the counts of its problem are not known."""
    if trial.posthoc is not None:
        return ()
    method: Method = REGISTRY.make("method", trial.method)
    return _expected(method, trial, counts)


def _expected(
    method: Method, trial: Trial, counts: TrainingCounts | None
) -> tuple[StageCourse, ...]:
    if counts is not None:
        return expected_course(method, trial.recipe, counts)
    sizes = _counts(trial.problem, method)
    return () if sizes is None else expected_course(method, trial.recipe, sizes.train, sizes.val)


def _counts(problem: Problem, method: Method) -> SplitCounts | None:
    """Counts from the registration of the data set; None if only the files give them."""
    known = known_counts(problem)
    by_group = any(isinstance(stage.sampler, Subsampler) for stage in method.stages)
    if known is None or (by_group and known.n_unseen > 1):
        return None
    return split_counts(problem, known)


def idle_warmups(suite: Suite) -> tuple[str, ...]:
    """A sentence for each recipe whose warm-up is rounded to no effect."""
    recipes = {c.recipe.name: c.recipe for c in suite.configurations}
    return tuple(_idle(recipe) for recipe in recipes.values() if _is_idle(recipe))


def _is_idle(recipe: Recipe) -> bool:
    return recipe.warmup > 0 and warmup_epochs(recipe, recipe.epochs) < 2


def _idle(recipe: Recipe) -> str:
    epochs = f"{recipe.epochs} epoch{'' if recipe.epochs == 1 else 's'}"
    enough = next(n for n in count(recipe.epochs) if warmup_epochs(recipe, n) >= 2)
    return (
        f"{recipe.name}: the warm-up of {recipe.warmup:g} × {epochs} is shorter than two epochs "
        f"and has no effect; write `warmup: 0`, or at least {enough} epochs"
    )
