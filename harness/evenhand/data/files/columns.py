"""Tables with named columns, read from `.csv`, `.parquet` or `.npz`."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float32

from evenhand.data.files.hub_labels import with_label_names
from evenhand.errors import DataError, suggest

if TYPE_CHECKING:
    import pyarrow as pa

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
    """An array for each column, with an entry for each row; an `.npz` file may have matrices."""
    first: int = 0
    """Number of the first row, as an editor counts lines: a `.csv` file has a header."""

    def __len__(self) -> int:
        return len(next(iter(self.values.values())))

    def __getitem__(self, name: str) -> np.ndarray:
        """A column by name. Raises `DataError` with the nearest name where there is none."""
        if name not in self.values:
            said = suggest(name, [*self.values][:MAX_SHOWN], "column")
            more = (
                f" and {len(self.values) - MAX_SHOWN} more" if len(self.values) > MAX_SHOWN else ""
            )
            nearest = suggest(name, [*self.values]).hint
            raise DataError(
                f"{self.path}: no column is called {name!r}\n  its {said.right}{more}"
                f"{nearest and f': {nearest}'}"
            )
        return self.values[name]

    def reject_rows(self, is_wrong: Bool[np.ndarray, " rows"], what: str, right: str) -> None:
        """Raise `DataError` where any row is wrong, with their number, the rows and the fix."""
        rows = np.flatnonzero(is_wrong)
        if len(rows):
            raise DataError(self.describe_rows(rows, what, right))

    def describe_rows(self, rows: Sequence[int] | np.ndarray, what: str, right: str) -> str:
        """Message about wrong rows: `birds.csv: 3 of 100 rows have no label: rows 7, 9, 80`."""
        numbers = ", ".join(str(int(row) + self.first) for row in rows[:MAX_LISTED])
        more = f" and {len(rows) - MAX_LISTED} more" if len(rows) > MAX_LISTED else ""
        which = f"row{'s' if len(rows) > 1 else ''} {numbers}{more}"
        return f"{self.path}: {len(rows):,} of {len(self):,} rows {what}: {which}\n  {right}"

    def texts(self, name: str, what: str) -> np.ndarray:
        """A column as texts, where 3.0 is "3". Raises `DataError` for rows without a value."""
        given = self[name]
        self.reject_rows(
            _is_missing(given), f"have no {what} in {name!r}", f"every row has a {what}"
        )
        if given.ndim > 1:
            raise DataError(
                f"{self.path}: a {what} is one value, and {name!r} has {given.shape[1]} numbers in "
                "each row\n  name another column"
            )
        return np.array([_text(value) for value in given.tolist()], dtype=object)

    def features(
        self, pattern: str | None, taken: Iterable[str]
    ) -> Float32[np.ndarray, "rows features"]:
        """Matrix of the columns that match a pattern; None: all numeric ones that are not `taken`.

        Raises `DataError` for values that are not finite numbers, and for rows of different
        lengths.
        """
        left = [name for name in self.values if name not in set(taken)]
        if pattern is None:
            names = [name for name in left if self._may_be_numeric(name)]
        else:
            names = [name for name in left if fnmatchcase(name, pattern)]
        if not names:
            fits = f"matches {pattern!r}" if pattern else "has numbers"
            columns = ", ".join([*self.values][:MAX_SHOWN])
            raise DataError(
                f"{self.path}: no column {fits}\n  its columns: {columns}"
                "\n  write `features: f_*` for columns of features, or `image: file` for paths"
            )
        found = [self._numbers(name) for name in names]
        return np.ascontiguousarray(np.concatenate(found, axis=1))

    def _may_be_numeric(self, name: str) -> bool:
        """Whether a column has numbers. Where only some values are, the others are mistakes."""
        values = self.values[name]
        if values.dtype.kind in "fiub":
            return True
        return any(isinstance(v, list) or _number(v) is not None for v in values.tolist() if v)

    def _numbers(self, name: str) -> Float32[np.ndarray, "rows columns"]:
        values = self.values[name]
        if values.dtype == object and any(isinstance(v, list) for v in values):
            values = self._stacked(name, values)
        if values.dtype.kind not in "fiub":
            numbers = [_number(value) for value in values.tolist()]
            self.reject_rows(
                np.array([number is None for number in numbers]),
                f"have no number in {name!r}",
                "features are finite numbers; `features: f_*` names their columns",
            )
            values = np.array(numbers, dtype=np.float64)
        with np.errstate(over="ignore"):
            numeric = values.astype(np.float32).reshape(len(values), -1)
        self.reject_rows(
            np.asarray(~np.isfinite(numeric).all(1)),
            f"have NaN, infinity or nothing in {name!r}",
            "replace the values, or remove the rows",
        )
        return numeric

    def _stacked(self, name: str, values: np.ndarray) -> np.ndarray:
        """Lists, one in each row, as a matrix."""
        lengths = np.array([len(v) if isinstance(v, list) else 0 for v in values])
        usual = int(np.bincount(lengths).argmax())
        self.reject_rows(
            lengths != usual,
            f"do not have {usual} numbers in {name!r} as the other rows do, but "
            f"{', '.join(map(str, sorted({*lengths[lengths != usual].tolist()})[:MAX_LISTED]))}",
            "features need one length in all rows: extract them again",
        )
        try:
            return np.array(values.tolist(), dtype=np.float64)
        except (TypeError, ValueError):
            return np.array(
                [[np.nan if _number(v) is None else v for v in row] for row in values.tolist()],
                dtype=np.float64,
            )


def read(path: Path) -> Columns:
    """Read a table. Raises `DataError` for a missing, damaged or empty file, or other formats."""
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path}: a table is a file in {', '.join(SUFFIXES)}\n  name such a file")
    if not path.is_file():
        near = sorted(p.name for s in SUFFIXES for p in path.parent.glob(f"*{s}"))
        there = f"there are {', '.join(near[:MAX_SHOWN])}" if near else "there are no tables"
        raise DataError(
            f"{path}: there is no such file; in that folder {there}\n"
            "  paths are relative to the data root: --data, EVENHAND_DATA or the suite's `data:`"
        )
    reader = {".csv": _csv, ".parquet": _parquet, ".npz": _npz}[path.suffix.lower()]
    columns = reader(path)
    if not columns.values or not len(columns):
        raise DataError(f"{path}: a table needs rows, and this one has none\n  copy it again")
    return columns


def _csv(path: Path) -> Columns:
    import pyarrow as pa
    from pyarrow import csv

    wrong: list[str] = []

    def note(row: Any) -> str:
        wrong.append(f"row {row.number} has {row.actual_columns}")
        return "skip"

    try:
        table = csv.read_csv(
            path,
            # With several threads pyarrow does not give the numbers of invalid rows.
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(invalid_row_handler=note, newlines_in_values=True),
            convert_options=csv.ConvertOptions(strings_can_be_null=True),
        )
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as CSV: {error}\n  copy it again") from None
    if wrong:
        more = f" and {len(wrong) - MAX_LISTED} more" if len(wrong) > MAX_LISTED else ""
        raise DataError(
            f"{path}: {len(wrong):,} of {len(table) + len(wrong):,} rows do not have "
            f"{table.num_columns} fields: {', '.join(wrong[:MAX_LISTED])}{more}\n"
            "  every row needs a field for each column, which may be empty"
        )
    return Columns(path, _arrays(path, table), first=2)


def _parquet(path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}\n  copy it again") from None
    return Columns(path, _arrays(path, with_label_names(path, table)))


def _arrays(path: Path, table: pa.Table) -> dict[str, np.ndarray]:
    """Columns as arrays: numbers with NaN where one is missing, lists of one length as a matrix."""
    import pyarrow as pa

    doubled = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if doubled:
        raise DataError(
            f"{path}: columns need different names, and several are called "
            f"{', '.join(doubled[:MAX_SHOWN])}\n  rename them"
        )
    found: dict[str, np.ndarray] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if pa.types.is_fixed_size_list(kind) and column.null_count == 0:
            flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
            found[name] = flat.reshape(len(column), -1)
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
            found[name] = column.to_numpy()
        else:
            found[name] = np.empty(len(column), dtype=object)
            found[name][:] = column.to_pylist()
    return found


def _npz(path: Path) -> Columns:
    try:
        with np.load(path, allow_pickle=False) as file:
            values = {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        pickled = "Object arrays" in str(error)
        right = (
            "an array of objects comes from rows of different lengths: every row needs the same "
            "features, in one array [rows, features]; save texts as `np.array(…, dtype=str)`"
        )
        raise DataError(
            f"{path}: cannot be read as NumPy arrays: {error}\n"
            f"  {right if pickled else 'copy it again'}"
        ) from None
    lengths = {name: array.shape[0] if array.ndim else 0 for name, array in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n:,}" for name, n in lengths.items())
        raise DataError(
            f"{path}: arrays need an entry for each row, and their lengths differ: {told}\n"
            "  save them again"
        )
    return Columns(path, values)


def _is_missing(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values.reshape(len(values), -1)).any(1))
    if values.dtype == object or values.dtype.kind == "U":
        return np.array([v is None or str(v).strip() in ("", "nan") for v in values.tolist()])
    return np.zeros(len(values), dtype=bool)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if isinstance(value, float) and is_whole else value).strip()


def _number(value: object) -> float | None:
    """The value as a number; None where it is not one."""
    try:
        return None if value is None else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
