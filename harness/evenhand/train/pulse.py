"""Signs of progress of this process, by which a watchdog finds a training that hangs.

One listener a process is enough: trials that share a process are ended together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[], None]] = []


def pulse() -> None:
    """Tell the listeners that a step, or a batch of an evaluation, has ended."""
    for listener in _listeners:
        listener()


@contextmanager
def listening(listener: Callable[[], None]) -> Iterator[None]:
    """Call a function at each sign of progress within a `with` block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
