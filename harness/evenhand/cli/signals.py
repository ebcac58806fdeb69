"""Signals that stop a command: each of them does what one Ctrl-C does."""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

from evenhand.ending import ExitCode, end_now

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""Ctrl-C; a scheduler that ends a job; a closed terminal; Slurm's `--signal=USR1@60`."""
GRACE_SECONDS = 25.0
"""Time in which a command stops by itself: after 30 s, Slurm and Kubernetes kill it."""
TOO_LATE = (
    f"not stopped {GRACE_SECONDS:g} s after the signal, and ended; finished trials are kept, "
    "rerun the same command to resume"
)


def stop_once() -> None:
    """Stop the command by a `KeyboardInterrupt` at the first signal; later ones are ignored.

    They would interrupt the stopping itself. A command that has not stopped after `GRACE_SECONDS`
    is ended, whatever it waits for.
    """
    for number in SIGNALS:
        # `nohup` starts a program with SIGHUP ignored.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, partial(_stop, os.getpid()))


def _stop(process: int, number: int, _: object) -> None:
    if os.getpid() != process:
        # A process that was forked, such as one that loads data, has nothing to stop.
        os._exit(128 + number)
    for each in SIGNALS:
        # Not SIG_IGN: Python prints a traceback where another signal has come at the same time.
        signal.signal(each, _pass)
    alarm = threading.Timer(GRACE_SECONDS, end_now, (TOO_LATE, ExitCode.STOPPED))
    alarm.daemon = True
    alarm.start()
    raise KeyboardInterrupt


def _pass(_: int, __: object) -> None:
    """Ignore a signal."""
