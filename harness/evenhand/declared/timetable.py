"""The epochs at which the stages of a method and the phases of the learning rate begin."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol, runtime_checkable

from evenhand.declared.base import Part
from evenhand.declared.method import Method, Run, Stage
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY

SAME = 0.02
"""Largest distance, in epochs, of two places that are declared as one: 0.533333 of 300 is 160."""
MOST = 5000
"""Largest number of further epochs that a correction proposes."""


class Phase(NamedTuple):
    """A period of a schedule, from its first epoch to that of the next phase."""

    place: float
    """Declared beginning in epochs since the run began, before rounding."""
    first: int
    """First epoch, 0-based and counted since the run began."""
    what: str
    """Learning rate from there on, such as `× 0.01`."""


@runtime_checkable
class Phased(Protocol):
    """A schedule whose factor changes at certain epochs only."""

    def phases(self, epochs: int) -> tuple[Phase, ...]:
        """The changes of the factor in a run of `epochs` epochs, in order."""
        ...


class Boundary(NamedTuple):
    """An epoch at which something begins in a run."""

    place: float
    """Declared place in epochs since the run began, before rounding."""
    epoch: int
    """The epoch, 0-based and counted since the run began."""
    what: str
    """What begins, such as `stage 2`."""
    is_stage: bool = False
    """Whether a stage begins."""


class Clash(NamedTuple):
    """Two boundaries of one run between which rounding leaves no epoch."""

    run: Run
    what: str
    """The boundaries, as a clause."""
    is_of_recipe: bool
    """Whether every method under the recipe has it."""


def warmup_epochs(recipe: Recipe, epochs: int) -> int:
    """Epochs of the recipe's warm-up in a run of `epochs` epochs; one epoch has no effect."""
    return round(recipe.warmup * epochs)


def recipe_of(stage: Stage, recipe: Recipe) -> Recipe:
    """The recipe with the stage's own schedule and no warm-up, where the stage has one."""
    if stage.schedule is None:
        return recipe
    return recipe.model_copy(update={"schedule": Part(name=stage.schedule), "warmup": 0.0})


def phases_of(recipe: Recipe, epochs: int) -> tuple[Phase, ...]:
    """The phases of the recipe's schedule; none for a schedule that changes at every epoch."""
    schedule = REGISTRY.make("schedule", recipe.schedule)
    return schedule.phases(epochs) if isinstance(schedule, Phased) else ()


def clashes(method: Method, recipe: Recipe) -> list[Clash]:
    """The places of a method's runs that differ, but are rounded to one epoch.

    A stage that is declared to begin where the learning rate drops is none: this is the design of
    deferred re-weighting.
    """
    found = []
    by_run = method.stages_by_run()
    for (run, stages), (first, *_) in zip(_starts(method, recipe.epochs), by_run, strict=True):
        own = recipe_of(first, recipe)
        phases = phases_of(own, run.epochs)
        bounds = [Boundary(p.place, p.first, f"the learning rate {p.what}") for p in phases]
        clash = _hidden(bounds, warmup_epochs(own, run.epochs))
        ends = [Boundary(0.0, 0, ""), Boundary(float(run.epochs), run.epochs, "")]
        # At one place the stage comes first, so that two drops are reported as such.
        ordered = sorted([*ends, *bounds, *stages], key=lambda b: (round(b.place, 6), -b.is_stage))
        said = clash + [
            (_said(a, b, run), a.is_stage or b.is_stage)
            for a, b in pairwise(ordered)
            if b.place - a.place > SAME and b.epoch <= a.epoch
        ]
        is_whole = run.epochs == recipe.epochs
        found += [Clash(run, text, is_whole and not of_stage) for text, of_stage in said]
    return found


def next_epochs(methods: list[Method], recipe: Recipe) -> int | None:
    """The next larger number of epochs under which all methods have distinct epochs.

    None if no number up to `MOST` more is one.
    """
    for epochs in range(recipe.epochs + 1, recipe.epochs + MOST):
        longer = recipe.model_copy(update={"epochs": epochs})
        if all(has_own_epochs(method, longer) for method in methods):
            return epochs
    return None


def has_own_epochs(method: Method, recipe: Recipe) -> bool:
    """Whether every stage and every drop has an epoch of its own."""
    return every_stage_trains(method, recipe.epochs) and not clashes(method, recipe)


def every_stage_trains(method: Method, epochs: int) -> bool:
    """Whether every stage has an epoch under a recipe of `epochs` epochs."""
    return all(a < b for a, b in pairwise([*method.first_epochs(epochs), *_total(method, epochs)]))


def _total(method: Method, epochs: int) -> list[int]:
    return [method.total_epochs(epochs)] if method.stages else []


def _starts(method: Method, epochs: int) -> Iterator[tuple[Run, list[Boundary]]]:
    """Each run, with the beginnings of its stages but the first."""
    done = 0
    for run in method.runs(epochs):
        stages = []
        for i in range(1, len(run.firsts)):
            until = method.stages[done + i - 1].until
            assert until is not None, "of a stage that another follows"
            what = f"stage {done + i + 1}"
            stages.append(Boundary(until * epochs, run.firsts[i] - run.begins, what, True))
        yield run, stages
        done += len(run.firsts)


def _hidden(phases: list[Boundary], rising: int) -> list[tuple[str, bool]]:
    """The phases that begin within the recipe's warm-up, which replaces them."""
    early = [p for p in phases if 0 < p.epoch < rising]
    return [
        (f"{p.what} would begin within the {rising} epochs of the warm-up", False) for p in early
    ]


def _said(first: Boundary, second: Boundary, run: Run) -> str:
    named = " and ".join(b.what for b in (first, second) if b.what)
    if second.epoch >= run.epochs:
        return f"{named} would begin after the last epoch"
    if not first.what:
        return f"{named} would begin at epoch 1, which leaves none before it"
    return f"{named} would both begin at epoch {second.epoch + 1}"
