"""Order of trials, their duration where several run at a time, and the trials that fit in time.

The longest trial first gives the shortest run, but mixes the problems. The trials of one data set
and one problem follow each other where that is not expected to lengthen the run, so that a machine
reads the same files again and again.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from evenhand.declared.trial import Trial
from evenhand.store import Head

Kind = tuple[str, str]
"""Method and workload: trials of one kind take equally long."""
MOST_LONGER = 1.03
"""How much longer than with the longest trial first a run may take, so that problems follow each
other."""


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


def generations_of(trials: Iterable[Trial]) -> dict[str, int]:
    """Generation of each trial by key: that of its parent among the trials and one more.

    It is 0 for a trial whose parent is not among them, because that one has ended.
    """
    found: dict[str, int] = {}
    for trial in sorted(trials, key=lambda t: t.generation):
        found[trial.key] = found.get(trial.parent.key, -1) + 1 if trial.parent else 0
    return found


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


def finished_seconds(heads: Iterable[Head]) -> dict[Kind, list[float]]:
    """Seconds of the finished trials among records, by kind."""
    found: dict[Kind, list[float]] = {}
    for head in heads:
        if head.status == "done":
            found.setdefault((head.method, head.workload), []).append(head.seconds)
    return found


def median_seconds(heads: Iterable[Head]) -> dict[Kind, float]:
    """Median seconds of finished trials by kind; the method "" stands for any."""
    groups: dict[Kind, list[float]] = {}
    for (method, workload), seconds in finished_seconds(heads).items():
        for name in (method, ""):
            groups.setdefault((name, workload), []).extend(seconds)
    return {key: statistics.median(seconds) for key, seconds in groups.items()}


class Job(NamedTuple):
    """A trial with what its place in the order depends on."""

    trial: Trial
    seconds: float
    """Expected time; infinite without an estimate."""
    data_set: str
    problem: str


def in_order(
    trials: Sequence[Trial],
    estimate: Callable[[Trial], float | None],
    *,
    slots: int = 1,
    by_seed: bool = False,
) -> list[Trial]:
    """Trials in the order in which they run; those without an estimate come first.

    The trials of a data set and of a problem follow each other, the longest first, or else within
    classes of time. The first of these orders is used that takes at most `MOST_LONGER` times as
    long as the longest trial first, with `slots` trials at a time.

    by_seed: all trials of a seed come before those of the next one.
    """
    if by_seed:
        seeds = sorted({trial.seed for trial in trials})
        groups = ([t for t in trials if t.seed == seed] for seed in seeds)
        return [t for group in groups for t in in_order(group, estimate, slots=slots)]
    # Thousands of trials share a few problems, whose names take long to make.
    problems = {id(trial.problem): trial.problem for trial in trials}
    names = {identity: (p.dataset.name, p.name) for identity, p in problems.items()}
    jobs = []
    for trial in trials:
        seconds = estimate(trial)
        jobs.append(Job(trial, math.inf if seconds is None else seconds, *names[id(trial.problem)]))
    longest = sorted(jobs, key=lambda job: -job.seconds)
    most = MOST_LONGER * _duration(longest, slots)
    for order in (_blocks(longest), _blocks(longest, time_class)):
        if _duration(order, slots) <= most:
            return [job.trial for job in order]
    return [job.trial for job in longest]


def time_class(seconds: float) -> float:
    """Class of a time: times of one class differ by less than a factor of two.

    >>> [time_class(seconds) for seconds in (65.0, 120.0, 130.0)]
    [7, 7, 8]
    """
    return seconds if math.isinf(seconds) else math.frexp(max(seconds, 1e-3))[1]


def _blocks(jobs: Sequence[Job], place: Callable[[float], float] = lambda _: 0.0) -> list[Job]:
    """Jobs by place, then data set by data set and problem by problem, the most work first."""
    work: dict[tuple[str, ...], float] = {}
    for job in jobs:
        for block in ((job.data_set,), (job.data_set, job.problem)):
            work[block] = work.get(block, 0.0) + job.seconds

    def key(job: Job) -> tuple[float, float, str, float, str]:
        data_set, problem = work[job.data_set,], work[job.data_set, job.problem]
        return -place(job.seconds), -data_set, job.data_set, -problem, job.problem

    return sorted(jobs, key=key)


def _duration(jobs: Sequence[Job], slots: int) -> float:
    return duration([[0.0 if math.isinf(job.seconds) else job.seconds for job in jobs]], slots)


def fitting(
    trials: Sequence[Trial],
    estimate: Callable[[Trial], float | None],
    *,
    seconds: float = math.inf,
    slots: int = 1,
    total_seconds: float = math.inf,
) -> tuple[Trial, ...]:
    """The trials that are expected to end within `seconds`, with `slots` of them at a time.

    total_seconds: what the trials may take one after the other.

    Those of the first seed come first, so that methods are compared on the same seeds. A trial
    without an estimate is left out, and one that waits for a trial that is left out.
    """
    missing, chosen = {trial.key for trial in trials}, dict[str, Trial]()
    generations: dict[int, Generation] = {}
    age = generations_of(trials)
    # Parents before children of a seed; the sort is stable.
    order = in_order(trials, estimate, slots=slots, by_seed=True)
    for trial in sorted(order, key=lambda t: (t.seed, age[t.key])):
        expected, parent = estimate(trial), trial.parent
        waits = parent is not None and parent.key in missing and parent.key not in chosen
        if expected is None or waits or expected > total_seconds:
            continue
        mine = generations.setdefault(age[trial.key], Generation(slots))
        others = sum(g.seconds for g in generations.values() if g is not mine)
        if others + max(mine.seconds, mine.end_of(expected)) <= seconds:
            mine.add(expected)
            total_seconds -= expected
            chosen[trial.key] = trial
    return tuple(chosen.values())
