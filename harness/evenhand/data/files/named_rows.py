"""Tables that were put together from several files, whose rows have names of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenhand.data.files.columns import MAX_LISTED, Columns


@dataclass(frozen=True)
class NamedRows(Columns):
    """A table in memory whose rows are named in errors, such as by a file."""

    names: Sequence[str] = ()
    """Name of each row."""
    called: str = "rows"
    """What the rows are."""

    def describe_rows(self, rows: Sequence[int] | np.ndarray, what: str, right: str) -> str:
        """Message about wrong rows: `photos: 2 of 9 files have no …: cat/1.png, cat/2.png`."""
        which = f"{len(rows):,} of {len(self):,} {self.called}"
        return f"{self.path}: {which} {what}: {self.row_numbers(rows)}\n  {right}"

    def row_numbers(self, rows: Sequence[int] | np.ndarray) -> str:
        """Names of rows, shortened where there are many."""
        more = f" and {len(rows) - MAX_LISTED:,} more" if len(rows) > MAX_LISTED else ""
        return ", ".join(self.names[int(row)] for row in rows[:MAX_LISTED]) + more
