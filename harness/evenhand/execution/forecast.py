"""Forecast of the time that a run still takes, as a range.

The bounds of a trial's time come from finished trials of its method on its problem under its
recipe: an 80 % prediction interval (Student's t) of the mean of those that are left. Without any,
they come from its own epochs so far, a price, trials of other methods, or epochs of other recipes
on the same data set, and are wider. The trials are then placed in the slots that are in use, once
with their lower and once with their upper bounds.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from evenhand.execution.schedule import Kind, duration

if TYPE_CHECKING:
    from evenhand.execution.plan import Plan

T_90 = (3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372)
"""The 90 % quantile of Student's t with 1, 2, … degrees of freedom; for more, of the normal one."""
NORMAL_90 = 1.282
LEAST_MARGIN = 0.1
"""Share of a mean by which it is uncertain at least: the load of machines varies."""
OF_ONE = (1 / 1.5, 1.5)
"""Factors for the bounds around the time of a single trial."""
OF_PART = (0.6, 1.2)
"""Factors for a trial's time by its epochs so far: the first ones are the slowest."""
OF_PRICE = (0.6, 3.0)
"""Factors for a price, which is the time of a trial alone on a machine."""
OF_OTHERS = (0.6, 1.6)
"""Factors for the mean of other methods on the same problem under the same recipe."""

OF_EPOCHS = (0.4, 2.5)
"""Factors for the mean of other epochs on the same data set."""


class Size(NamedTuple):
    """Epochs of a recipe on a data set."""

    dataset: str
    epochs: int


class Bounds(NamedTuple):
    """A time in seconds between two bounds; `high` is infinite where no upper bound is known."""

    low: float
    high: float

    def scaled(self, factor: float) -> Bounds:
        """Both bounds times a factor."""
        return Bounds(self.low * factor, self.high * factor)

    def after(self, seconds: float) -> Bounds:
        """What is left of the time after some seconds."""
        return Bounds(max(0.0, self.low - seconds), max(0.0, self.high - seconds))


UNKNOWN = Bounds(0.0, math.inf)


@dataclass(frozen=True)
class Left:
    """A trial that has not ended."""

    kind: Kind
    generation: int = 0
    """Trials of a generation start when those of the one before have ended."""
    price: float | None = None
    """Estimated seconds alone on a machine; None without an estimate."""
    is_running: bool = False
    share: float = 0.0
    """Share of its epochs that have ended."""
    resumed: float = 0.0
    """Share of its epochs that an earlier start had trained."""
    seconds: float = 0.0
    """Time since this start."""

    @property
    def whole(self) -> float | None:
        """Seconds of the whole trial by the epochs of this start; None before one has ended."""
        trained = self.share - self.resumed
        is_known = self.is_running and trained > 0 and self.seconds > 0
        return self.seconds / trained if is_known else None


@dataclass(frozen=True)
class Forecast:
    """Forecast by the seconds of finished trials."""

    finished: Mapping[Kind, Sequence[float]]
    """Seconds of finished trials, by kind."""
    slots: int = 1
    """Trials that run at a time."""
    sizes: Mapping[Kind, Size] = field(default_factory=dict)
    """Size of each kind, as far as it is known."""
    _of_workload: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for (_, workload), seconds in self.finished.items():
            self._of_workload.setdefault(workload, []).extend(seconds)

    def left(self, trials: Iterable[Left]) -> Bounds:
        """Bounds of the time until all trials have ended."""
        trials = list(trials)
        parts = _parts(trials)
        of_kind = {
            kind: self._bounds(kind, n, parts.get(kind, ())) for kind, n in _numbers(trials).items()
        }
        ages: dict[int, list[tuple[bool, Bounds]]] = {}
        for trial in trials:
            expected = self._expected(trial, of_kind[trial.kind], parts)
            ages.setdefault(trial.generation, []).append((trial.is_running, _rest(trial, expected)))
        # Running trials have their slots; of the others the longest comes first.
        order = [
            [
                bounds
                for _, bounds in sorted(ages[age], key=lambda each: (not each[0], -each[1].low))
            ]
            for age in sorted(ages)
        ]
        return Bounds(
            duration([[each.low for each in trials] for trials in order], self.slots),
            duration([[each.high for each in trials] for trials in order], self.slots),
        )

    def _expected(self, trial: Left, of_kind: Bounds, parts: Mapping[Kind, list[float]]) -> Bounds:
        """Bounds of a trial's whole time, from the closest trials that there are."""
        if of_kind == UNKNOWN and trial.price is not None:
            return _around([trial.price], OF_PRICE)
        if of_kind == UNKNOWN:
            of_kind = self._by_others(trial.kind[1], parts)
        return self._by_epochs(trial.kind, parts) if of_kind == UNKNOWN else of_kind

    def _bounds(self, kind: Kind, n: int, parts: Sequence[float]) -> Bounds:
        """Bounds of the mean of n further trials of a kind; `UNKNOWN` without any like them."""
        finished = self.finished.get(kind, ())
        if finished:
            return mean_bounds(finished, n)
        return _around(parts, OF_PART) if parts else UNKNOWN

    def _by_others(self, workload: str, parts: Mapping[Kind, Sequence[float]]) -> Bounds:
        """Bounds by trials of any method."""
        seconds = self._of_workload.get(workload) or [
            each for kind, found in parts.items() if kind[1] == workload for each in found
        ]
        return _about(seconds, OF_OTHERS) if seconds else UNKNOWN

    def _by_epochs(self, kind: Kind, parts: Mapping[Kind, Sequence[float]]) -> Bounds:
        """Bounds by epochs of any recipe on the same data set."""
        own = self.sizes.get(kind)
        per_epoch = [
            each / size.epochs
            for other, size in self.sizes.items()
            if own is not None and size.dataset == own.dataset
            for each in self.finished.get(other) or parts.get(other, ())
        ]
        return _about(per_epoch, OF_EPOCHS).scaled(own.epochs) if own and per_epoch else UNKNOWN


def mean_bounds(seconds: Sequence[float], n: int) -> Bounds:
    """Bounds of the mean of n further values like those that were seen.

    >>> mean_bounds([10.0, 12.0, 11.0, 11.0], 20)
    Bounds(low=9.9, high=12.1)
    """
    if len(seconds) == 1:
        return _around(seconds, OF_ONE)
    mean, freedom = statistics.fmean(seconds), len(seconds) - 1
    t = T_90[freedom - 1] if freedom <= len(T_90) else NORMAL_90
    margin = t * statistics.stdev(seconds) * math.sqrt(1 / len(seconds) + 1 / n)
    margin = max(margin, LEAST_MARGIN * mean)
    least, most = _around(seconds, OF_ONE)
    return Bounds(max(mean - margin, least), min(mean + margin, most))


def sizes(plan: Plan) -> dict[Kind, Size]:
    """Sizes of the kinds of a plan's trials."""
    found = {
        (head.method, head.workload): Size(trial.problem.dataset.name, trial.recipe.epochs)
        for trial in plan.done
        if (head := plan.heads.get(trial.key)) is not None
    }
    for trial in plan.missing:
        size = Size(trial.problem.dataset.name, trial.recipe.epochs)
        found[trial.method.name, trial.workload] = size
    return found


def _about(seconds: Sequence[float], factors: tuple[float, float]) -> Bounds:
    """Bounds of something like the mean of the values that were seen."""
    if len(seconds) == 1:
        return _around(seconds, factors)
    low, high = mean_bounds(seconds, len(seconds))
    return Bounds(low * factors[0], high * factors[1])


def _around(seconds: Sequence[float], factors: tuple[float, float]) -> Bounds:
    return Bounds(min(seconds) * factors[0], max(seconds) * factors[1])


def _numbers(trials: Iterable[Left]) -> dict[Kind, int]:
    found: dict[Kind, int] = {}
    for trial in trials:
        found[trial.kind] = found.get(trial.kind, 0) + 1
    return found


def _parts(trials: Iterable[Left]) -> dict[Kind, list[float]]:
    """Whole times of running trials by their epochs so far, by kind."""
    found: dict[Kind, list[float]] = {}
    for trial in trials:
        if trial.whole is not None:
            found.setdefault(trial.kind, []).append(trial.whole)
    return found


def _rest(trial: Left, expected: Bounds) -> Bounds:
    """What is left of a trial's time."""
    if trial.share >= 1:
        return Bounds(0.0, 0.0)
    if trial.share > 0:
        rest = expected.scaled(1 - trial.share)
        if trial.whole is None:
            return rest
        own = _around([trial.whole * (1 - trial.share)], OF_PART)
        return Bounds(min(rest.low, own.low), max(rest.high, own.high))
    return expected.after(trial.seconds) if trial.is_running else expected
