"""Output of the commands: text, in colour on a terminal only, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Standard output."""
    # Here as in `errors`, because `--help` and `--json` do without rich, which is slow to import.
    from rich.console import Console

    return Console(highlight=False)


def errors() -> Console:
    """Standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON value, which is never wrapped."""
    print(json.dumps(value, indent=2, default=str))


def print_line(value: Any) -> None:
    """Print one JSON value on one line and flush it, for programs that read a stream."""
    print(json.dumps(value), flush=True)


def duration(seconds: float | None) -> str:
    """A time as `2.1 s`, `3 min 05 s` or `2 h 10 min`; `unknown` for None."""
    if seconds is None:
        return "unknown"
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def some_of(names: list[str], most: int = 8) -> str:
    """The first names and the number of the others: `a, b, c and 4 more`."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def plural(n: int, noun: str) -> str:
    """A number with its noun: `1 trial`, `30 trials`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
