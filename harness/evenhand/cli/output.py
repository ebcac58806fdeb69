"""Output of the commands: text, in colour on a terminal only, and JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evenhand.declared.visible_text import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

NAME_WIDTH = 24
"""Columns that a name has at least, beside the other columns of a table."""
HEADING_WIDTH = 12
"""Longest headings of a list that shares lines."""
GAP = 2


def console() -> Console:
    """Standard output. Text is printed as it is: `[every=4]` in a name is no markup."""
    return _console(stderr=False)


def errors() -> Console:
    """Standard error, with the same treatment of text."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    # Here, because `--help` and `--json` do without rich, which is slow to import.
    from evenhand.cli.visible_console import VisibleConsole

    return VisibleConsole(stderr=stderr, highlight=False, markup=False, emoji=False)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, red: str = "") -> None:
    """Print a table whose first column has names.

    A name is folded where it leaves no room for the other columns. Where they do not fit beside a
    name of `NAME_WIDTH`, each row becomes a name and a list. red: a word that marks cells in red.
    """
    from rich.table import Table
    from rich.text import Text

    out = console()
    columns = list(zip(headings, *rows, strict=True))
    needed = sum(max(map(cell_width, column)) + GAP for column in columns[1:])
    names = max(map(cell_width, columns[0]))
    if needed + min(names, NAME_WIDTH) > out.width:
        _print_rows(headings, rows, red=red)
        return
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    table.add_column(Text(headings[0]), overflow="fold", max_width=out.width - needed)
    for heading in headings[1:]:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    for name, *cells in rows:
        table.add_row(Text(name), *(_marked(cell, red) for cell in cells))
    out.print(table)


def _print_rows(headings: Sequence[str], rows: Sequence[Sequence[str]], *, red: str) -> None:
    from rich.padding import Padding
    from rich.text import Text

    out = console()
    for name, *cells in rows:
        out.print(Text(name, style="bold"), soft_wrap=True)
        pairs = zip(headings[1:], cells, strict=True)
        shown = [Text.assemble(f"{heading} ", _marked(cell, red)) for heading, cell in pairs]
        lines = Text("\n" if max(map(len, headings)) > HEADING_WIDTH else ", ").join(shown)
        out.print(Padding(lines, (0, 0, 0, 4), expand=False))


def _marked(cell: str, red: str) -> Text:
    from rich.text import Text

    text = Text(cell)
    if red:
        text.highlight_regex(rf"\d+ {red}", "red")
    return text


def cell_width(text: str) -> int:
    """Number of columns that a text takes in a terminal; a Chinese character takes two."""
    from rich.cells import cell_len

    return cell_len(text)


def print_text(text: str, *, to_errors: bool = False) -> None:
    """Print a text as it is, never wrapped, with signs for control characters."""
    print(visible(text), file=sys.stderr if to_errors else None)


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


def time_left(low: float, high: float) -> str:
    """The bounds of a time as `2 min 00 s to 3 min 20 s left`; an infinite one is not known.

    >>> time_left(120.0, 200.0), time_left(120.0, float("inf")), time_left(0.0, float("inf"))
    ('2 min 00 s to 3 min 20 s left', 'at least 2 min 00 s left', 'time left not known yet')
    """
    if high == float("inf"):
        return f"at least {duration(low)} left" if low > 0 else "time left not known yet"
    first, last = duration(low), duration(high)
    return f"{last} left" if first == last else f"{first} to {last} left"


def plural(n: int, noun: str) -> str:
    """A number with its noun: `1 trial`, `30 trials`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
