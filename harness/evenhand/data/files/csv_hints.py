"""Likely causes why a `.csv` file is not read as its author meant, for messages."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from evenhand.errors import DataError, listed

SEPARATORS = (",", ";", "\t", "|", " ")
N_LINES = 20
"""Number of lines that are looked at."""
MAX_SHOWN = 12
"""Largest number of columns that an error lists."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def describe_fields(
    data: bytes, separator: str, header: Sequence[str], lengths: Sequence[int]
) -> str:
    """What to do where rows have another number of fields than the first row."""
    if other := other_separator(data, separator):
        return f"write `separator: {json.dumps(other)}`"
    usual, n = Counter(lengths).most_common(1)[0]
    if n > 1 and usual > len(header):
        shown = separator.join(header)
        return (
            f"the first row has {len(header)}, and {n:,} rows have {usual}; the first row is "
            f"{shown[:60]!r}: remove it where it is a comment, name every column in it, or put "
            f"cells that have a {separator!r} in quotation marks"
        )
    return "every row needs a field for each column, which may be blank"


def other_separator(data: bytes, separator: str) -> str | None:
    """The character that separates the first lines into equally many fields, where it is another.

    None where the separator itself does so.
    """
    if _width(data, separator) > 1:
        return None
    # Columns that are aligned by several spaces have none as their separator.
    is_aligned = b"  " in b"".join(islice(io.BytesIO(data), N_LINES))
    no = {separator, " " if is_aligned else separator}
    others = [other for other in SEPARATORS if other not in no]
    widths = {other: _width(data, other) for other in others}
    best = max(widths, key=lambda other: widths[other])
    return best if widths[best] > 1 else None


def _width(data: bytes, separator: str) -> int:
    """Number of fields of each of the first lines; 0 where it differs."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    try:
        rows = [row for row in islice(csv.reader(text, delimiter=separator), N_LINES) if row]
    except csv.Error:
        return 0
    lengths = {len(row) for row in rows}
    return lengths.pop() if len(lengths) == 1 else 0


def reject_description(path: Path, data: bytes) -> None:
    """Raise `DataError` for a file that begins with a description of its columns or separator."""
    first = data[:100].splitlines()[0] if data else b""
    if re.fullmatch(rb"sep=.?", first.strip(b'" '), re.IGNORECASE):
        mark = first.strip(b'" ')[4:].decode(errors="replace")
        right = "" if mark in ("", ",") else f", and write `separator: {json.dumps(mark)}`"
        raise DataError(
            f"{path}: the first row, {first.decode(errors='replace')!r}, is a setting of Excel and "
            f"no name of a column\n  remove the row{right}"
        )
    start = data[:200].lstrip().lower()
    if start.startswith((b"@relation", b"%")):
        raise DataError(
            f"{path}: the file begins with a description, as files of KEEL and Weka do: "
            f"{data[:60].decode(errors='replace').strip().splitlines()[0]!r}\n"
            "  remove the lines up to `@data`, and write `header: none` or the names of the "
            "columns in the first row"
        )


def reject_one_column(path: Path, first: str, data: bytes, separator: str) -> None:
    """Raise `DataError` for a file of one column, whose first cell is given."""
    other = other_separator(data, separator)
    right = (
        f"write `separator: {json.dumps(other)}`"
        if other
        else "name it, `separator: …`; several spaces are none: replace them by one comma"
    )
    raise DataError(
        f"{path}: a table has several columns, and with the separator {separator!r} this one "
        f"has one, {first.strip()[:60]!r}\n  {right}"
    )


def reject_header(path: Path, names: Sequence[str]) -> None:
    """Raise `DataError` for a first row that cannot be the names of the columns."""
    doubled = sorted(name for name, n in Counter(names).items() if n > 1)
    if doubled:
        right = "rename them"
        if hint := header_hint(names):
            right = f"{hint}, or rename them"
        raise DataError(
            f"{path}: columns need different names, and several are called "
            f"{listed(doubled, MAX_SHOWN)}\n  {right}"
        )


def header_hint(names: Sequence[str]) -> str:
    """What to do where the first row of a file looks like data; "" where it does not."""
    if names[0].startswith("#"):
        return f"the first row begins with #: where {names[0][:60]!r} is a comment, remove it"
    numbers = [name for name in names if NUMBER.fullmatch(name)]
    if not numbers:
        return ""
    shown = ", ".join(names[:4])
    return (
        f"the first row has numbers ({shown}, …): where it is data, write `header: none`, and the "
        "columns are c1, c2, …"
    )
