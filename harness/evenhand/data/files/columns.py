"""Tables with named columns, read from `.csv`, `.parquet` or `.npz`."""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from evenhand.data.files.csv_hints import header_hint
from evenhand.data.files.csv_text import CsvCells, TextFormat, read_csv
from evenhand.data.files.typed_tables import read_npz, read_parquet
from evenhand.errors import DataError, listed, suggest

SUFFIXES = (".csv", ".parquet", ".npz")
MAX_LISTED = 5
"""Largest number of rows that an error lists; it counts the others."""
MAX_SHOWN = 12
"""Largest number of columns that an error lists."""


@dataclass(frozen=True)
class Columns:
    """A table in memory."""

    path: Path
    values: Mapping[str, np.ndarray]
    """An array for each column, with an entry for each row; an `.npz` file may have matrices.

    The columns of a `.csv` file are texts.
    """
    first: int = 0
    """Number of the first row, as a spreadsheet counts rows: a `.csv` file has a header."""
    blank: tuple[int, ...] = ()
    """Numbers of rows that were skipped, because they have no text."""
    form: TextFormat = field(default_factory=TextFormat)
    """Format of the cells."""
    index: frozenset[str] = frozenset()
    """Columns that the file itself marks as the index of a pandas frame."""
    stripped: set[str] = field(default_factory=set, compare=False)
    """Columns of which spaces around texts were removed, as far as columns were read."""

    def __len__(self) -> int:
        if isinstance(self.values, CsvCells):
            return self.values.n_rows
        return len(next(iter(self.values.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        """A column by name. Raises `DataError` with the nearest name where there is none."""
        self.check_name(name)
        return self.values[name]

    def check_name(self, name: str) -> None:
        """Raise `DataError` with the nearest name where no column has this one."""
        if name in self.values:
            return
        names = [*self.values]
        hints = [suggest(name, names).hint]
        if isinstance(self.values, CsvCells) and self.form.header is None:
            hints.append(header_hint(names))
        told = "".join(f"\n  {hint}" for hint in hints if hint)
        raise DataError(
            f"{self.path}: no column is called {name!r}\n"
            f"  its columns: {listed(names, MAX_SHOWN)}{told}"
        )

    def reject_rows(self, is_wrong: Bool[np.ndarray, " rows"], what: str, right: str) -> None:
        """Raise `DataError` where any row is wrong, with their number, the rows and the fix."""
        rows = np.flatnonzero(is_wrong)
        if len(rows):
            raise DataError(self.describe_rows(rows, what, right))

    def describe_rows(self, rows: Sequence[int] | np.ndarray, what: str, right: str) -> str:
        """Message about wrong rows: `birds.csv: 3 of 100 rows have no label: rows 7, 9, 80`."""
        which = self.row_numbers(rows)
        return f"{self.path}: {len(rows):,} of {len(self):,} rows {what}: {which}\n  {right}"

    def row_numbers(self, rows: Sequence[int] | np.ndarray) -> str:
        """Numbers of rows: `row 3`, or `rows 3, 4, 5, 6, 7 and 80 more`."""
        numbers = ", ".join(str(self.row_number(int(row))) for row in rows[:MAX_LISTED])
        more = f" and {len(rows) - MAX_LISTED:,} more" if len(rows) > MAX_LISTED else ""
        return f"row{'s' if len(rows) > 1 else ''} {numbers}{more}"

    def row_number(self, row: int) -> int:
        """Number of a row in the file."""
        number = row + self.first
        passed = bisect.bisect_right(self.blank, number)
        while (again := bisect.bisect_right(self.blank, number + passed)) != passed:
            passed = again
        return number + passed

    def texts(self, name: str, what: str) -> np.ndarray:
        """A column as texts, where the number 3.0 is "3".

        Raises `DataError` for rows without a value, for bytes that are not text, and for two texts
        that look alike because their characters are composed in different ways.
        """
        given = self[name]
        self.reject_rows(
            is_missing(given), f"have no {what} in {name!r}", f"every row needs a {what}"
        )
        if given.ndim > 1:
            raise DataError(
                f"{self.path}: a {what} is one value, and {name!r} has {given.shape[1]} numbers in "
                "each row\n  name another column"
            )
        if given.dtype == object and isinstance(given[0], list | dict | np.ndarray):
            raise DataError(
                f"{self.path}: a {what} is one value, and {name!r} has {given[0]!r:.40} in the "
                "first row\n  name another column"
            )
        texts = self.as_texts(name)
        self.reject_alike(name, texts)
        return texts

    def as_texts(self, name: str) -> np.ndarray:
        """A column as texts; "" where a value is missing."""
        given = self[name]
        if isinstance(self.values, CsvCells):
            if name in self.stripped:
                self.reject_rows(
                    np.array([text.startswith('"') for text in given], dtype=bool),
                    f"have a space before a quotation mark in {name!r}",
                    'write "…" directly after the separator, or without quotation marks',
                )
            return given
        found = np.array([self._text(name, value) for value in _scalars(given)], dtype=object)
        if self.form.spaces is None:
            trimmed = np.array([text.strip() for text in found], dtype=object)
            if (trimmed != found).any():
                self.stripped.add(name)
            found = trimmed
        return found

    def _text(self, name: str, value: object) -> str:
        if _is_blank(value):
            return ""
        if isinstance(value, bytes):
            try:
                return value.decode(self.form.encoding or "utf-8")
            except (UnicodeDecodeError, LookupError):
                raise DataError(
                    f"{self.path}: {value[:40]!r} in {name!r} is not text in "
                    f"{self.form.encoding or 'UTF-8'}\n"
                    "  name the encoding, such as `encoding: latin-1`"
                ) from None
        if isinstance(value, float | np.floating):
            return str(int(value)) if float(value).is_integer() else str(value)
        return str(value)

    def reject_alike(self, name: str, texts: np.ndarray) -> None:
        """Refuse texts that differ only in the Unicode composition of characters such as é."""
        seen: dict[str, str] = {}
        for text in {*texts.tolist()}:
            other = seen.setdefault(unicodedata.normalize("NFC", text), text)
            if other == text:
                continue
            rows = [self.row_numbers(np.flatnonzero(texts == found)) for found in (other, text)]
            raise DataError(
                f"{self.path}: two texts in {name!r} look alike, {text!r}, and differ in their "
                f"characters: {other!a} in {rows[0]}, {text!a} in {rows[1]}\n"
                "  write them in one way: in Python, `unicodedata.normalize('NFC', text)`"
            )

    def notes(self) -> tuple[str, ...]:
        """Sentences on what was done to cells, as far as columns were read."""
        found = []
        if self.blank:
            were = "was" if len(self.blank) == 1 else "were"
            found.append(f"{count(len(self.blank), 'blank row')} {were} skipped")
        if self.stripped:
            found.append(
                f"spaces around texts were removed in {shorten(sorted(self.stripped))}; "
                "`spaces: keep` keeps them"
            )
        return tuple(found)


def shorten(names: Sequence[str]) -> str:
    """Names in quotation marks, shortened where there are many."""
    return listed([*map(repr, names)], MAX_SHOWN)


def count(n: int, what: str) -> str:
    """`1 column`, `2 columns`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def read(path: Path, form: TextFormat | None = None) -> Columns:
    """Read a table. Raises `DataError` for a missing, damaged or empty file, or other formats."""
    form, kind = form or TextFormat(), path.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(
            f"{path}: a table is a file in {', '.join(SUFFIXES)}\n"
            "  name such a file; a text file of another ending needs the ending .csv"
        )
    if not path.is_file():
        near = sorted(p.name for s in SUFFIXES for p in path.parent.glob(f"*{s}"))
        there = f"there are {', '.join(near[:MAX_SHOWN])}" if near else "there are no tables"
        raise DataError(
            f"{path}: there is no such file; in that folder {there}\n"
            "  paths are relative to the data root: --data, EVENHAND_DATA or the suite's `data:`"
        )
    if kind != ".csv" and (form.separator or form.header):
        raise DataError(f"{path}: `separator` and `header` belong to .csv files\n  leave them out")
    columns = _read(path, kind, form)
    if not columns.values or not len(columns):
        raise DataError(f"{path}: a table needs rows, and this one has none\n  copy it again")
    return columns


def _read(path: Path, kind: str, form: TextFormat) -> Columns:
    if kind == ".csv":
        found = read_csv(path, form)
        return Columns(
            path, found.cells, found.first, found.blank, form, stripped=found.cells.stripped
        )
    if kind == ".npz":
        return Columns(path, read_npz(path), form=form)
    table = read_parquet(path)
    return Columns(path, table.values, form=form, index=table.index_names)


def is_missing(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Whether a value is blank, None or NaN."""
    if values.dtype.kind in "fc":
        return np.asarray(np.isnan(values.reshape(len(values), -1)).any(1))
    if values.dtype.kind in "mM":
        return np.asarray(np.isnat(values.reshape(len(values), -1)).any(1))
    if values.dtype == object or values.dtype.kind in "US":
        given = values.tolist()
        if all(map(_is_hashable, given[:1])) and not any(map(_is_blank, {*given})):
            return np.zeros(len(values), dtype=bool)
        return np.array([_is_blank(value) for value in given], dtype=bool)
    return np.zeros(len(values), dtype=bool)


def _is_hashable(value: object) -> bool:
    return not isinstance(value, list | dict)


def _is_blank(value: object) -> bool:
    if isinstance(value, str | bytes):
        return not value.strip()
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def _scalars(values: np.ndarray) -> list[object]:
    """Values of a column; those in float32 stay so, because 0.1 is 0.10000000149 in float64."""
    return [*values] if values.dtype.kind == "f" else values.tolist()
