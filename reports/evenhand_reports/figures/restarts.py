"""The epochs at which a method restarts training, where its curves are interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import EvenhandError
from evenhand.suite.timetable_facts import beginning


class RunLength(NamedTuple):
    """A run of a method."""

    epochs: int
    """Number of epochs."""
    how: str
    """What it begins with, or trains: `from scratch`."""


def run_lengths(trial: Trial) -> tuple[RunLength, ...]:
    """The runs of the method.

    Empty for a method that is not registered or no longer accepts the trial's settings: a report
    reads old records and the records of plugins.
    """
    try:
        method: Method = REGISTRY.make("method", trial.method)
    except EvenhandError:
        return ()
    runs, firsts = method.runs(trial.recipe.epochs), method.stages_by_run()
    return tuple(
        RunLength(run.epochs, beginning(stages[0]))
        for run, stages in zip(runs, firsts, strict=True)
    )


def describe_runs(trial: Trial) -> str:
    """`60 epochs, then 60 from scratch`; "" for a single run."""
    runs = run_lengths(trial)
    if len(runs) < 2:
        return ""
    then = ", ".join(f"then {run.epochs} {run.how}" for run in runs[1:])
    return f"{runs[0].epochs} epochs, {then}"


def with_breaks(
    trial: Trial, epochs: Sequence[float], *series: Sequence[float | None] | None
) -> list[list[float | None] | None]:
    """Epochs and series, with a point without a value inserted between two runs."""
    ends = list(accumulate(run.epochs for run in run_lengths(trial)))[:-1]
    breaks = [(sum(epoch <= end for epoch in epochs), end + 0.5) for end in ends]
    without_value = [(index, None) for index, _ in breaks]
    broken: list[list[float | None] | None] = [_insert(epochs, breaks)]
    broken += [None if values is None else _insert(values, without_value) for values in series]
    return broken


def _insert(
    values: Sequence[float | None], points: Sequence[tuple[int, float | None]]
) -> list[float | None]:
    line = list(values)
    # From the last point to the first, because an insertion moves the indices after it.
    for index, value in reversed(points):
        line.insert(index, value)
    return line
