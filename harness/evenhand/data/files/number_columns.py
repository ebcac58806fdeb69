"""Columns with one cell in each row, as numbers: all at once, because tables may have thousands."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64

from evenhand.data.files.cell_numbers import MISSING, is_ambiguous, parse_numbers
from evenhand.data.files.columns import MAX_LISTED, Columns, is_missing
from evenhand.data.files.csv_text import CsvCells, TextFormat
from evenhand.data.files.label_names import numbered

if TYPE_CHECKING:
    import pyarrow as pa

KINDS: dict[str, type | tuple[type, ...]] = {
    "cells": (str, int, float, Decimal),
    "matrix": (list, np.ndarray),
    "dates and times": (datetime.date, datetime.time, datetime.timedelta),
    "bytes": bytes,
}
"""Kinds of columns by the types of their values."""
OTHER = "values of other types"
CELLS_AT_ONCE = 2**22


@dataclass(frozen=True)
class CellColumns:
    """Columns with one number, or one text, in each row."""

    names: list[str]
    values: Float64[np.ndarray, "columns rows"]
    """Numbers, or numbers of categories; NaN where a value is missing or a text."""
    is_missing: Bool[np.ndarray, "columns rows"]
    is_text: Bool[np.ndarray, "columns rows"]
    """Whether a cell is a text in a column of numbers."""
    booleans: set[str] = field(default_factory=set)
    """Columns of the texts true and false."""
    plain: set[str] = field(default_factory=set)
    """Columns with a decimal point, where another mark is declared."""
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Categories of the columns of texts."""


def kind_of(columns: Columns, name: str) -> str:
    """What the rows of a column hold: cells, a matrix, or what cannot be a feature."""
    if isinstance(columns.values, CsvCells):
        return "cells"
    values = columns.values[name]
    if values.ndim > 1:
        return "matrix" if values.dtype.kind in "fiub" else OTHER
    if values.dtype.kind in "fiubUS":
        return "cells"
    if values.dtype.kind in "mM":
        return "dates and times"
    if values.dtype != object:
        return OTHER
    given = [value for value in values.tolist() if value is not None]
    found = (kind for kind, types in KINDS.items() if all(isinstance(v, types) for v in given))
    return next(found, OTHER)


def has_image_files(columns: Columns, name: str) -> bool:
    """Whether a column has the bytes of files, or structs of bytes and a path."""
    given = [value for value in columns.values[name].tolist()[:1] if value is not None]
    return any(isinstance(v, bytes) or (isinstance(v, dict) and "bytes" in v) for v in given)


def read_cells(columns: Columns, names: list[str]) -> CellColumns:
    """Read columns of the kind "cells" as numbers."""
    shape = len(names), len(columns)
    absent, text = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    found = CellColumns(names, np.empty(shape), absent, text)
    if not isinstance(columns.values, CsvCells):
        for i in range(len(names)):
            _read_typed(columns, found, i)
        _mark_missing(columns, found)
        return found
    at_once = max(1, CELLS_AT_ONCE // max(1, len(columns)))
    for start in range(0, len(names), at_once):
        part = slice(start, min(start + at_once, len(names)))
        _parse(columns, found, part, [columns.values.strings(n) for n in names[part]])
    _mark_missing(columns, found)
    return found


def _mark_missing(columns: Columns, found: CellColumns) -> None:
    """Mark numbers that stand for a missing value, such as -999, however they are written."""
    numbers = [float(text) for text in columns.form.missing if _is_number(text)]
    if numbers:
        found.is_missing[:] |= np.isin(found.values, numbers)
        found.values[found.is_missing] = np.nan


def _parse(columns: Columns, found: CellColumns, part: slice, cells: Sequence[pa.Array]) -> None:
    import pyarrow as pa

    numbers = parse_numbers(pa.concat_arrays(cells), columns.form)
    shape = part.stop - part.start, len(columns)
    found.values[part] = numbers.values.reshape(shape)
    found.is_missing[part] = numbers.is_missing.reshape(shape)
    found.is_text[part] = numbers.is_other.reshape(shape)
    if columns.form.spaces is None:
        spaced = np.flatnonzero(numbers.is_spaced.reshape(shape).any(1))
        columns.stripped.update(found.names[part.start + int(i)] for i in spaced)
    if columns.form.decimal or columns.form.thousands:
        for i in np.flatnonzero(found.is_text[part].any(1)):
            _parse_plain(columns, found, part.start + int(i), cells[int(i)])


def _parse_plain(columns: Columns, found: CellColumns, i: int, cells: pa.Array) -> None:
    """Read a column with a decimal point in a file of which other columns have another mark.

    `1.500` alone does not show whether the point is the decimal mark.
    """
    numbers = parse_numbers(cells, TextFormat(missing=columns.form.missing))
    if numbers.is_other.any() or is_ambiguous(cells):
        return
    found.values[i], found.is_missing[i], found.is_text[i] = numbers[:3]
    found.plain.add(found.names[i])


def _read_typed(columns: Columns, found: CellColumns, i: int) -> None:
    """Read a column of an `.npz` or `.parquet` file."""
    import pyarrow as pa

    name = found.names[i]
    values = columns[name]
    is_object = values.dtype == object
    if values.dtype.kind in "US" or (is_object and any(isinstance(v, str) for v in values)):
        texts = pa.array(columns.as_texts(name).tolist(), type=pa.large_string())
        _parse(columns, found, slice(i, i + 1), [texts])
        return
    if is_object:
        values = np.array([np.nan if v is None else float(v) for v in values])
    numbers = values.astype(np.float64)
    found.values[i] = numbers
    found.is_missing[i] = np.isnan(numbers)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def encode_texts(columns: Columns, cells: CellColumns, one_hot: Collection[str]) -> None:
    """Number the categories of columns of texts, of which some are named; booleans are 0 and 1.

    A column has texts where most of its values are no numbers.
    """
    n_texts = cells.is_text.sum(1)
    is_text = 2 * n_texts > (~cells.is_missing).sum(1)
    for i, name in enumerate(cells.names):
        if not is_text[i] and name not in one_hot:
            continue
        texts = columns.as_texts(name)
        absent = is_missing(texts) | np.isin(texts, columns.form.missing)
        names = {text.casefold() for text in {*texts[~absent].tolist()} - {*MISSING}}
        if names <= {"true", "false"} and name not in one_hot:
            absent |= np.isin(texts, MISSING)
            numbers = np.array([text.casefold() == "true" for text in texts], dtype=np.float64)
            cells.booleans.add(name)
        else:
            columns.reject_alike(name, texts)
            given = numbered(texts[~absent])
            numbers = np.full(len(texts), np.nan)
            numbers[~absent] = given.numbers
            cells.categories[name] = given.names
        numbers[absent] = np.nan
        cells.values[i], cells.is_missing[i], cells.is_text[i] = numbers, absent, False


def stack_lists(columns: Columns, name: str) -> Float64[np.ndarray, "rows numbers"]:
    """Lists, one in each row, as a matrix. Raises `DataError` for lists of other lengths."""
    values = columns[name]
    lengths = np.array([-1 if v is None else len(v) for v in values.tolist()])
    usual = int(np.bincount(lengths + 1).argmax()) - 1
    others = ", ".join(
        "nothing" if n < 0 else str(n)
        for n in sorted({*lengths[lengths != usual].tolist()})[:MAX_LISTED]
    )
    columns.reject_rows(
        lengths != usual,
        f"do not have {usual} numbers in {name!r} as the other rows do, but {others}",
        "features need one length in all rows: extract them again",
    )
    flat = [np.ravel(np.array(row, dtype=object)).tolist() for row in values.tolist()]
    is_other = [
        not all(v is None or isinstance(v, int | float | Decimal) for v in row) for row in flat
    ]
    columns.reject_rows(
        np.array(is_other),
        f"have values in {name!r} that are no numbers",
        "replace the values, or remove the rows",
    )
    return np.array(flat, dtype=np.float64)
