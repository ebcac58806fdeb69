"""Signs of progress of this process, by which a watchdog finds a training that hangs.

One listener a process is enough: trials that share a process are ended together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[float], None]] = []


def pulse() -> None:
    """Tell the listeners that a step, or a batch of an evaluation, has ended."""
    waited(0.0)


def waited(seconds: float) -> None:
    """Tell the listeners of a wait for others that has just ended, which is no time of a trial."""
    for listener in _listeners:
        listener(seconds)


@contextmanager
def listening(listener: Callable[[float], None]) -> Iterator[None]:
    """Call a function at each sign of progress within a `with` block, with the seconds waited."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
