"""Factors on the learning rate by epoch, after warm-up. Borders are shares of all epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable

from pydantic import AfterValidator, Field

from evenhand.declared.registry import schedule
from evenhand.declared.trial import Recipe

Drops = tuple[tuple[float, float], ...]


@runtime_checkable
class Schedule(Protocol):
    """The factor on the learning rate in a 0-based epoch."""

    def __call__(self, epoch: int, epochs: int) -> float: ...


@dataclass(frozen=True)
class Constant:
    def __call__(self, epoch: int, epochs: int) -> float:
        return 1.0


@dataclass(frozen=True)
class StepDrops:
    """drops are (share of the epochs, factor from there on), in order."""

    drops: tuple[tuple[float, float], ...]

    def __call__(self, epoch: int, epochs: int) -> float:
        factors = [factor for share, factor in self.drops if epoch >= round(share * epochs)]
        return factors[-1] if factors else 1.0


@dataclass(frozen=True)
class Overshoot:
    """Linearly up to `peak` for a share of the epochs (one at least), then down to 1 and on."""

    rising: float
    peak: float
    then: StepDrops

    def __call__(self, epoch: int, epochs: int) -> float:
        n = max(1, round(self.rising * epochs))
        return self.peak * (epoch + 1) / n if epoch < n else self.then(epoch, epochs)


@dataclass(frozen=True)
class Cosine:
    """½ (1 + cos(π · epoch / epochs)): from 1 towards 0."""

    def __call__(self, epoch: int, epochs: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * epoch / epochs))


@schedule()
def constant() -> Schedule:
    """The same learning rate throughout."""
    return Constant()


def _in_order(drops: Drops) -> Drops:
    shares = [share for share, _ in drops]
    if shares != sorted(set(shares)) or not all(0 <= share <= 1 for share in shares):
        raise ValueError("shares of the epochs lie in 0..1 and rise")
    return drops


@schedule(cite="cao2019learning")
def step(
    drops: Annotated[Drops, AfterValidator(_in_order)] = ((0.8, 1e-2), (0.9, 1e-4)),
) -> Schedule:
    """Sudden drops: by default × 0.01 at 80 % and × 0.0001 at 90 % of the epochs."""
    return StepDrops(tuple((share, factor) for share, factor in drops))


@schedule(cite="wang2023unified")
def overshooting_step(
    drops: Annotated[Drops, AfterValidator(_in_order)] = ((0.8, 1e-2), (0.9, 1e-4)),
    rising: Annotated[float, Field(gt=0, lt=1)] = 0.025,
    peak: Annotated[float, Field(gt=0)] = 2.0,
) -> Schedule:
    """`step` after a warm-up that overshoots, as in the code released with wang2023unified.

    At 400 epochs that code warms up for 10 but divides by 5: the rate climbs to twice `lr` at epoch
    10 and falls to `lr` at epoch 11. We keep that shape at any number of epochs. It is a warm-up of
    its own: the recipe's `warmup` is 0.
    """
    then = StepDrops(tuple((share, factor) for share, factor in drops))
    return Overshoot(rising, peak, then)


@schedule(cite="loshchilov2017sgdr")
def cosine() -> Schedule:
    """Half a cosine from the full learning rate to 0."""
    return Cosine()


def learning_rate(recipe: Recipe, schedule: Schedule, epoch: int) -> float:
    """The learning rate in a 0-based epoch: linear warm-up to `lr`, then the schedule.

    With 200 epochs and `warmup` 0.025 the first five epochs run at 1/5, 2/5, … 5/5 of `lr`, as in
    Cao et al. (2019).
    """
    rising = round(recipe.warmup * recipe.epochs)
    if epoch < rising:
        return recipe.lr * (epoch + 1) / rising
    return recipe.lr * schedule(epoch, recipe.epochs)
