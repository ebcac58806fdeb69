"""A clock of the time in which this process runs: it stands still while the process is stopped.

No clock of the system does so for a process that Ctrl-Z (SIGSTOP) has stopped. A thread looks at
the time every `TICK_SECONDS`; where two looks are more than `MOST_SECONDS` apart, the process was
stopped between them.
"""

from __future__ import annotations

import threading
import time
from functools import lru_cache

TICK_SECONDS = 0.5
MOST_SECONDS = 5.0


class Clock:
    """Seconds in which the process ran."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._stopped = 0.0
        self._lock = threading.Lock()

    def seconds(self) -> float:
        """Time since some moment, without the time in which the process was stopped."""
        with self._lock:
            now = time.monotonic()
            gap, self._last = now - self._last, now
            self._stopped += gap if gap > MOST_SECONDS else 0.0
            return now - self._stopped

    def tick(self) -> None:
        """Look at the time for ever."""
        while True:
            time.sleep(TICK_SECONDS)
            self.seconds()


@lru_cache(maxsize=1)
def _clock() -> Clock:
    clock = Clock()
    threading.Thread(target=clock.tick, name="clock", daemon=True).start()
    return clock


def running_seconds() -> float:
    """Time on the clock of this process, in seconds; only differences have a meaning.

    >>> running_seconds() <= running_seconds()
    True
    """
    return _clock().seconds()
