"""Description of an error that a part of a trial raised, which may be any object at all."""

from __future__ import annotations

import traceback

from evenhand.declared.record import Exit
from evenhand.declared.visible_text import visible

OUT_OF_GPU_MEMORY = ("CUDA out of memory", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED")
"""Parts of the messages of CUDA, cuBLAS and cuDNN where a GPU has no memory left."""

MOST_LETTERS = 2_000
"""Length of a message in a record, which `status` prints."""
MOST_OF_TRACEBACK = 100_000
"""Length of a traceback in a record; a record of 256 MiB would not be read."""


class GpuShareExceeded(Exception):  # noqa: N818  no failure of the trial: it runs again
    """A trial needs more memory than its share of a GPU has."""


def is_out_of_gpu_memory(error: BaseException) -> bool:
    """Whether an error, or one that led to it, is that a GPU has no memory left.

    >>> is_out_of_gpu_memory(RuntimeError("CUDA error: out of memory"))
    True
    """
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        text = described(found) if isinstance(found, RuntimeError) else ""
        if any(part in text for part in OUT_OF_GPU_MEMORY):
            return True
        seen.add(id(found))
        found = found.__cause__ or found.__context__
    return False


def failure(error: BaseException) -> Exit:
    """The exit of a trial that raised an error, with its message and its traceback."""
    trace = visible("".join(traceback.format_exception(error)))
    cause = described(error)
    if is_out_of_gpu_memory(error):
        cause = f"ran out of the memory of a whole GPU: {cause}"
    return Exit(status="failed", cause=cause, traceback=_shortened(trace, MOST_OF_TRACEBACK))


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
