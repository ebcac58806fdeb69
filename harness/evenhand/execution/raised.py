"""Description of an error that a part of a trial raised, which may be any object at all."""

from __future__ import annotations

import traceback

from evenhand.declared.record import Exit
from evenhand.declared.visible_text import visible

MOST_LETTERS = 2_000
"""Length of a message in a record, which `status` prints."""
MOST_OF_TRACEBACK = 100_000
"""Length of a traceback in a record; a record of 256 MiB would not be read."""


def failure(error: BaseException) -> Exit:
    """The exit of a trial that raised an error, with its message and its traceback."""
    trace = visible("".join(traceback.format_exception(error)))
    return Exit(
        status="failed", cause=described(error), traceback=_shortened(trace, MOST_OF_TRACEBACK)
    )


def described(error: BaseException) -> str:
    """Type and message of an error, also where its own code cannot make the message.

    >>> described(SystemExit(3))
    'SystemExit: 3'
    """
    name = type(error).__name__
    try:
        text = str(error)
    except Exception as second:
        return f"{name}, whose message cannot be made: {type(second).__name__}"
    return visible(f"{name}: {_shortened(text, MOST_LETTERS)}")


def _shortened(text: str, most: int) -> str:
    """A text without its middle where it is long.

    >>> _shortened("a long text", 4)
    'a  … [7 characters] … xt'
    """
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} … [{len(text) - 2 * half:,} characters] … {text[-half:]}"
