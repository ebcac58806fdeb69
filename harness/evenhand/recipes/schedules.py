"""Learning-rate schedules: the factor of each epoch after warm-up. Times are shares of epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable

from pydantic import AfterValidator, Field

from evenhand.declared.base import format_scalar
from evenhand.declared.decorators import schedule
from evenhand.declared.recipe import Recipe
from evenhand.declared.timetable import Phase, warmup_epochs

Drops = tuple[tuple[float, float], ...]


@runtime_checkable
class Schedule(Protocol):
    """Factor of the learning rate in an epoch, counted from 0."""

    def __call__(self, epoch: int, epochs: int) -> float: ...


@dataclass(frozen=True)
class Constant:
    """The factor 1 in all epochs."""

    def __call__(self, epoch: int, epochs: int) -> float:
        return 1.0


@dataclass(frozen=True)
class StepDrops:
    """A piecewise constant factor."""

    drops: tuple[tuple[float, float], ...]
    """Pairs of a share of the epochs and the factor from there on, in order."""

    def __call__(self, epoch: int, epochs: int) -> float:
        factors = [factor for share, factor in self.drops if epoch >= round(share * epochs)]
        return factors[-1] if factors else 1.0

    def phases(self, epochs: int) -> tuple[Phase, ...]:
        """The drops, each with its first epoch."""
        return tuple(
            Phase(share * epochs, round(share * epochs), f"× {format_scalar(factor)}")
            for share, factor in self.drops
        )


@dataclass(frozen=True)
class Overshoot:
    """A linear rise to `peak`, then the factor 1 and the drops of `then`."""

    rising: float
    """Share of the epochs in which the factor rises, at least one epoch."""
    peak: float
    then: StepDrops

    def __call__(self, epoch: int, epochs: int) -> float:
        n = self._rising(epochs)
        return self.peak * (epoch + 1) / n if epoch < n else self.then(epoch, epochs)

    def phases(self, epochs: int) -> tuple[Phase, ...]:
        """The rise, the full learning rate and the drops."""
        rise = Phase(0.0, 0, f"rising to × {format_scalar(self.peak)}")
        full = Phase(self.rising * epochs, self._rising(epochs), "× 1")
        return (rise, full, *self.then.phases(epochs))

    def _rising(self, epochs: int) -> int:
        return max(1, round(self.rising * epochs))


@dataclass(frozen=True)
class Cosine:
    """½ (1 + cos(π · epoch / epochs)), which falls from 1 to almost 0."""

    def __call__(self, epoch: int, epochs: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * epoch / epochs))


@schedule()
def constant() -> Schedule:
    """Constant learning rate."""
    return Constant()


def _in_order(drops: Drops) -> Drops:
    shares = [share for share, _ in drops]
    if shares != sorted(set(shares)) or not all(0 <= share < 1 for share in shares):
        raise ValueError("shares of the epochs must increase, from 0 and below 1")
    if any(factor < 0 for _, factor in drops):
        raise ValueError("factors of the learning rate are 0 or more")
    return drops


@schedule(cite="cao2019learning")
def step(
    drops: Annotated[Drops, AfterValidator(_in_order)] = ((0.8, 1e-2), (0.9, 1e-4)),
) -> Schedule:
    """Step schedule: by default × 0.01 from 80 % and × 0.0001 from 90 % of the epochs."""
    return StepDrops(tuple((share, factor) for share, factor in drops))


@schedule(cite="wang2023unified")
def overshooting_step(
    drops: Annotated[Drops, AfterValidator(_in_order)] = ((0.8, 1e-2), (0.9, 1e-4)),
    rising: Annotated[float, Field(gt=0, lt=1)] = 0.025,
    peak: Annotated[float, Field(gt=0)] = 2.0,
) -> Schedule:
    """Step schedule after an overshooting warm-up, as in the code of wang2023unified.

    At 400 epochs that code warms up for 10 epochs but divides by 5: the learning rate rises to
    twice `lr` at epoch 10 and falls to `lr` at epoch 11. The shape is the same at any number of
    epochs. This is a warm-up of its own, so that the recipe's `warmup` is 0.
    """
    then = StepDrops(tuple((share, factor) for share, factor in drops))
    return Overshoot(rising, peak, then)


@schedule(cite="loshchilov2017sgdr")
def cosine() -> Schedule:
    """Cosine schedule from the full learning rate to 0."""
    return Cosine()


def learning_rate(recipe: Recipe, schedule: Schedule, epoch: int) -> float:
    """Learning rate in an epoch, counted from 0: linear warm-up to `lr`, then the schedule.

    With 200 epochs and `warmup` 0.025 the first five epochs have 1/5, 2/5, … 5/5 of `lr`, as in
    cao2019learning.
    """
    rising = warmup_epochs(recipe, recipe.epochs)
    if epoch < rising:
        return recipe.lr * (epoch + 1) / rising
    return recipe.lr * schedule(epoch, recipe.epochs)
