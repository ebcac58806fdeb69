"""Watch over a process whose trials may hang; Tune has no time limit of its own.

A trial that makes progress checks its time limit between two steps. One that makes none for long is
noticed by a thread, which writes its record and ends the process, or tells the user where the
process is the user's own. Where a trial holds the interpreter's lock (GIL), no
thread runs: faulthandler then ends the process without it, and leaves in a file where the trial
hung. The next process of the trial finds the file and writes the record.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LOOK_SECONDS = 5.0
"""Longest time between two looks at the progress."""
REARM_SECONDS = 1.0
"""Least time between two settings of the timer that needs no lock."""


@dataclass(frozen=True)
class StallLimits:
    """Times without a sign of progress after which a process hangs."""

    first: float = 1800.0
    """Seconds until the first step, in which data are prepared and networks are compiled."""
    least: float = 900.0
    """Seconds after a step, at least."""
    factor: float = 50.0
    """Multiple of the longest time between two signs of progress so far."""
    grace: float = 30.0
    """Seconds after its time limit in which a trial may end by itself."""


@dataclass
class Watchdog:
    """A watch over the progress of this process.

    `give_up` is called with the cause and the stack of all threads, once for each hang.
    """

    limits: StallLimits
    time_limit: float
    give_up: Callable[[str, str], None]
    longest: float | None = None
    """Longest time between two signs of progress; None before the first one."""
    hang: Path | None = None
    """File in which faulthandler leaves the stack of a process that holds the lock.

    It is in a folder that exists.
    """
    _began: float = field(default_factory=time.monotonic)
    _last: float = field(default_factory=time.monotonic)
    _waited: float = field(default_factory=time.monotonic)
    """End of the last wait."""
    _armed: float = -math.inf
    _file: IO[str] | None = None

    def see(self, waited: float = 0.0) -> None:
        """Note a sign of progress, or a wait of some seconds, which is left out."""
        now = time.monotonic()
        if waited:
            # Trials that share the process wait at the same time.
            self._shift(min(waited, now - self._waited))
            self._waited = now
        else:
            self.longest = max(self.longest or 0.0, now - self._last)
            self._last = now
        if now - self._armed > REARM_SECONDS:
            self.arm()

    @property
    def allowed(self) -> float:
        """Seconds without progress after which the process hangs."""
        if self.longest is None:
            return self.limits.first
        return max(self.limits.least, self.limits.factor * self.longest)

    def is_hung(self) -> bool:
        """Whether the process has made no progress for too long."""
        return self.seconds_left <= 0

    @property
    def seconds_left(self) -> float:
        """Seconds until the process is given up."""
        now = time.monotonic()
        over = self._began + self.time_limit + self.limits.grace - now
        return min(over, self._last + self.allowed - now)

    def cause(self) -> str:
        """Why the process is given up, with the times."""
        still = time.monotonic() - self._last
        if still >= self.allowed:
            about = (
                "before its first step"
                if self.longest is None
                else (f"after steps of at most {self.longest:.2g} s")
            )
            return f"hung: it made no progress for {still:.0f} s, {about}"
        limit = f"{self.time_limit:g} s"
        return f"did not stop within {self.limits.grace:.0f} s of its time limit of {limit}"

    def arm(self) -> None:
        """Set the timer that ends a process which holds the interpreter's lock."""
        self._armed = time.monotonic()
        if self._file is None:
            return
        # The thread is first: it can write the record.
        seconds = max(1.0, self.seconds_left) + self.limits.grace
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._file)

    def _stop(self) -> None:
        """Stop the process without the timer, which would end it as soon as it goes on."""
        # No step of another thread sets it again in between.
        self._armed = math.inf
        faulthandler.cancel_dump_traceback_later()
        signal.raise_signal(signal.SIGSTOP)
        self.arm()

    @contextlib.contextmanager
    def _stopped_without_timer(self) -> Iterator[None]:
        """Let Ctrl-Z cancel the timer within a `with` block of the main thread."""
        is_main = threading.current_thread() is threading.main_thread()
        if self._file is None or not is_main or signal.getsignal(signal.SIGTSTP) != signal.SIG_DFL:
            yield
            return
        # Not the method itself: `signal` makes the text of a handler that it replaces, and that of
        # the watchdog would contain all trials and data of the run.
        signal.signal(signal.SIGTSTP, lambda *_: self._stop())
        try:
            yield
        finally:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    def _pause(self, *, was_hung: bool) -> float:
        """Seconds until the next look."""
        return LOOK_SECONDS if was_hung else min(max(0.05, self.seconds_left), LOOK_SECONDS)

    def _leave_out(self, late: float) -> None:
        """Leave out the time in which the whole process was stopped, as by Ctrl-Z."""
        if late > LOOK_SECONDS:
            self._shift(late)
            self.arm()

    def _shift(self, seconds: float) -> None:
        self._last += seconds
        self._began += seconds

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch within a `with` block."""
        from evenhand.pulse import listening

        over = threading.Event()

        def watch() -> None:
            before, was_hung = time.monotonic(), False
            while not over.wait(self._pause(was_hung=was_hung)):
                now = time.monotonic()
                self._leave_out(now - before - LOOK_SECONDS)
                before = now
                if self.is_hung() and not was_hung:
                    self.give_up(self.cause(), _stacks())
                was_hung = self.is_hung()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        self._file = None if self.hang is None else _open(self.hang)
        self.arm()
        try:
            with listening(self.see), self._stopped_without_timer():
                yield
        finally:
            over.set()
            if self._file is not None:
                # The timer of a process that is not ended belongs to the user.
                faulthandler.cancel_dump_traceback_later()
                self._file.close()
                self._file = None


def hang_name(run: str) -> str:
    """Name of this process's file for faulthandler; it begins with the identity of the run."""
    host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())
    return f"{run}-{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}.hang"


def _open(path: Path) -> IO[str] | None:
    """Open a file: faulthandler writes into an open one. None where it cannot be written."""
    try:
        return path.open("w")
    except OSError:
        return None


def _stacks() -> str:
    """The stack of every thread of this process."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"thread {names.get(number, number)}:\n{''.join(traceback.format_stack(frame))}"
        for number, frame in sys._current_frames().items()
    )
