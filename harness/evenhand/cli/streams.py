"""Standard output that may be a closed pipe, a full disk or nothing at all."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO


class OutputLost(Exception):  # noqa: N818  an `OSError` would be taken for one of a command's files
    """Standard output cannot be written."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(f"standard output cannot be written: {(cause.strerror or '?').lower()}")
        self.is_closed_pipe = isinstance(cause, BrokenPipeError)


class Output:
    """A standard stream; at the first error, what follows is discarded."""

    def __init__(self, stream: TextIO, *, goes_on: bool) -> None:
        self._stream = stream
        self._goes_on = goes_on

    def write(self, text: str) -> int:
        """Write a text, as the stream does."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        try:
            self._stream.flush()
        except OSError as error:
            self._discard(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _discard(self, error: OSError) -> None:
        """Send what follows to nowhere; also what the stream still holds."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        lost = OutputLost(error)
        if not self._goes_on:
            raise lost from None
        if self._stream.fileno() == 1:
            print(f"{lost}; the run goes on", file=sys.stderr, flush=True)


def prepare_streams(*, goes_on: bool) -> None:
    """Make standard output and standard error safe to write to.

    goes_on  whether the command goes on without its output; else `OutputLost` is raised. Standard
             error is never a reason to end.
    """
    for number in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.fstat(number)
            continue
        # Else the next file that is opened, perhaps a record, would be standard output. The lowest
        # free number is taken.
        os.open(os.devnull, os.O_RDWR)
    for name, number, ends in (("stdout", 1, goes_on), ("stderr", 2, True)):
        stream = getattr(sys, name) or os.fdopen(number, "w", closefd=False)
        # A path that the locale cannot encode is shown with escapes.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, Output(stream, goes_on=ends))
