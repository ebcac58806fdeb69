"""Durations of trials that run several at a time, and the trials that fit into a budget of time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evenhand.declared.trial import Trial


class Unpriced(NamedTuple):
    """Trials of a problem under a recipe whose time could not be measured, for one reason."""

    problem: str
    """Name of the problem."""
    recipe: str
    """Name of the recipe."""
    trials: int
    """Number of trials."""
    cause: str
    """Why no step could be timed."""

    def __str__(self) -> str:
        """`not priced: 2 trials of quick on blobs: ` and the first line of the cause."""
        number = "1 trial" if self.trials == 1 else f"{self.trials} trials"
        cause = self.cause.partition("\n")[0]
        return f"not priced: {number} of {self.recipe} on {self.problem}: {cause}"


@dataclass(frozen=True)
class MethodCost:
    """Numbers of trials of a leaderboard row, and their times."""

    row: str
    title: str
    trials: int
    done: int
    missing: int
    failed: int
    seconds: float | None
    """Median time of a finished trial; None where none has finished."""
    remaining_seconds: float | None
    """Time of all missing trials, one after the other; None where one cannot be estimated."""


@dataclass(frozen=True)
class Prices:
    """Estimated times of trials, from steps that were timed on one machine."""

    seconds: dict[str, float] = field(default_factory=dict)
    """Estimated seconds of each priced trial, by key."""
    unpriced: tuple[Unpriced, ...] = ()
    """Trials that could not be priced."""
    device: str = "cpu"
    """Device of the timed steps."""
    took: float = 0.0
    """Seconds that the measurement took."""


@dataclass
class Generation:
    """Trials of one generation, each in the slot that is free first."""

    slots: int
    ends: list[float] = field(default_factory=list)
    """Seconds after which each used slot is free, as a heap."""
    seconds: float = 0.0
    """Seconds after which every slot is free."""

    def end_of(self, seconds: float) -> float:
        """When a further trial would end."""
        return seconds + (self.ends[0] if len(self.ends) >= self.slots else 0.0)

    def add(self, seconds: float) -> None:
        """Give a trial the slot that is free first."""
        end = self.end_of(seconds)
        if len(self.ends) >= self.slots:
            heapq.heapreplace(self.ends, end)
        else:
            heapq.heappush(self.ends, end)
        self.seconds = max(self.seconds, end)


def duration(generations: Sequence[Sequence[float]], slots: int) -> float:
    """Seconds of trials of which `slots` run at a time; a generation waits for the one before it.

    >>> duration([[3.0, 1.0, 2.0]], slots=2), duration([[3.0], [1.0, 1.0]], slots=2)
    (3.0, 4.0)
    """
    total = 0.0
    for trials in generations:
        generation = Generation(slots)
        for seconds in trials:
            generation.add(seconds)
        total += generation.seconds
    return total


def fitting(
    trials: Sequence[Trial],
    estimate: Callable[[Trial], float | None],
    *,
    seconds: float,
    slots: int,
) -> tuple[Trial, ...]:
    """The trials that are expected to end within `seconds`, with `slots` of them at a time.

    Those of the first seed come first, so that methods are compared on the same seeds. A trial
    without an estimate is left out, and one that waits for a trial that is left out.
    """
    missing, chosen = {trial.key for trial in trials}, dict[str, Trial]()
    generations: dict[int, Generation] = {}
    for trial in sorted(trials, key=lambda t: (t.seed, t.generation, -(estimate(t) or 0.0))):
        expected, parent = estimate(trial), trial.parent
        waits = parent is not None and parent.key in missing and parent.key not in chosen
        if expected is None or waits:
            continue
        mine = generations.setdefault(trial.generation, Generation(slots))
        others = sum(g.seconds for g in generations.values() if g is not mine)
        if others + max(mine.seconds, mine.end_of(expected)) <= seconds:
            mine.add(expected)
            chosen[trial.key] = trial
    return tuple(chosen.values())
