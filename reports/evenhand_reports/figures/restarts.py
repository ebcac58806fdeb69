"""The epochs at which a method restarts training, where its curves are interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import EvenhandError


def run_lengths(trial: Trial) -> tuple[int, ...]:
    """Epochs of each run of the method.

    Empty for a method that is not registered or no longer accepts the trial's settings: a report
    reads old records and the records of plugins.
    """
    try:
        method: Method = REGISTRY.make("method", trial.method)
    except EvenhandError:
        return ()
    return tuple(run.epochs for run in method.runs(trial.recipe.epochs))


def describe_runs(trial: Trial) -> str:
    """`60 epochs, then 60 from scratch`; "" for a single run."""
    first, *more = run_lengths(trial) or (0,)
    if not more:
        return ""
    return f"{first} epochs, " + ", ".join(f"then {n} from scratch" for n in more)


def with_breaks(
    trial: Trial, epochs: Sequence[float], *series: Sequence[float | None] | None
) -> list[list[float | None] | None]:
    """Epochs and series, with a point without a value inserted between two runs."""
    ends = list(accumulate(run_lengths(trial)))[:-1]
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
