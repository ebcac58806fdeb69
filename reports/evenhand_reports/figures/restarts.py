"""Where a method's training begins anew: its curves break there."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from evenhand.declared.method import Method
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import EvenhandError


def lengths(trial: Trial) -> tuple[int, ...]:
    """Epochs of each run of the method; () of one that is not here, or has other settings now."""
    try:
        method: Method = REGISTRY.make("method", trial.method)
    except EvenhandError:
        return ()
    return tuple(run.epochs for run in method.runs(trial.recipe.epochs))


def in_words(trial: Trial) -> str:
    """`60 epochs, then 60 from a fresh start`; "" where there is one run."""
    first, *more = lengths(trial) or (0,)
    if not more:
        return ""
    return f"{first} epochs, then " + ", then ".join(f"{n} from a fresh start" for n in more)


def broken(
    trial: Trial, epochs: Sequence[float], *series: Sequence[float | None] | None
) -> list[list[float | None] | None]:
    """Epochs, and series over them, with a point without a value between two runs."""
    ends = list(accumulate(lengths(trial)))[:-1]
    places = [(sum(epoch <= end for epoch in epochs), end + 0.5) for end in ends]
    found: list[list[float | None] | None] = [_with(epochs, places)]
    nothing = [(place, None) for place, _ in places]
    found += [None if values is None else _with(values, nothing) for values in series]
    return found


def _with(
    values: Sequence[float | None], points: Sequence[tuple[int, float | None]]
) -> list[float | None]:
    line = list(values)
    for place, value in reversed(points):
        line.insert(place, value)
    return line
