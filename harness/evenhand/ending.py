"""Exit codes of the command line (`docs/reference/exit-codes.md`), and a sudden end."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from enum import IntEnum
from typing import NoReturn

RUN_STOPPED = "the run is stopped; finished trials are kept, rerun the same command to resume"
"""The last line of a run that was stopped."""


class ExitCode(IntEnum):
    """What became of a command.

    >>> ExitCode.STOPPED
    <ExitCode.STOPPED: 130>
    """

    DONE = 0
    """The command did what it was asked to; for `run`: every trial is done."""
    INCOMPLETE = 1
    """Trials have failed, are missing or are blocked, or a report has no score."""
    REFUSED = 2
    """A mistake in the command, a suite, data or a store; the message has the correction."""
    CLUSTER_LOST = 3
    """The Ray cluster did not answer, or Ray was lost during the run."""
    UNWRITTEN = 4
    """Standard output cannot be written; `run` goes on and never ends with this code."""
    BUG = 70
    """An error of this package, with its traceback."""
    STOPPED = 130
    """Stopped by Ctrl-C or by a signal."""


def end_now(text: str, code: ExitCode) -> NoReturn:
    """End the process, whatever its threads wait for, with a last message."""
    with suppress(Exception):
        if sys.stdout.isatty():
            # A live display has hidden the cursor.
            sys.stdout.write("\n\x1b[?25h")
        sys.stdout.flush()
    with suppress(Exception):
        print(text, file=sys.stderr, flush=True)
    os._exit(code)
