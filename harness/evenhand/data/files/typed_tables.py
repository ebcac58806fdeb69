"""Tables in `.parquet` and `.npz`, whose columns have types."""

from __future__ import annotations

import json
import lzma
import struct
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evenhand.data.files.hub_labels import with_label_names
from evenhand.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_SHOWN = 12
"""Largest number of columns that an error lists."""

GIB = 2**30

DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, MemoryError, LookupError, TypeError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
)  # fmt: skip
"""Exceptions for archives that are not whole, are encrypted, or state a wrong shape."""


class ParquetTable(NamedTuple):
    """Columns of a Parquet file."""

    values: dict[str, np.ndarray]
    index_names: frozenset[str]
    """Columns that the file marks as the index of a pandas frame."""


def read_parquet(path: Path) -> ParquetTable:
    """Read a Parquet file. Raises `DataError` for a damaged one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # A path with "=" in it is no partition of a larger table here.
        table = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read as Parquet: {error}\n  copy it again") from None
    index = _index_names(table.schema)
    table = with_label_names(path, table)
    return ParquetTable(_arrays(path, table), frozenset(index & {*table.column_names}))


def _index_names(schema: pa.Schema) -> set[str]:
    """Columns that pandas stored as an index; none where its metadata cannot be read."""
    try:
        about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    except ValueError:
        return set()
    names = about.get("index_columns") if isinstance(about, dict) else None
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def _arrays(path: Path, table: pa.Table) -> dict[str, np.ndarray]:
    """Columns as arrays: numbers with NaN where one is missing, lists of one length as a matrix."""
    doubled = sorted(name for name, n in Counter(table.column_names).items() if n > 1)
    if doubled:
        raise DataError(
            f"{path}: columns need different names, and several are called "
            f"{', '.join(doubled[:MAX_SHOWN])}\n  rename them"
        )
    return {
        name: _array(column) for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _array(column: pa.ChunkedArray) -> np.ndarray:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_fixed_size_list(kind) and column.null_count == 0:
        numbers = kind.value_type
        if pa.types.is_integer(numbers) or pa.types.is_floating(numbers):
            flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
            return np.asarray(flat.reshape(len(column), -1))
    is_whole = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if pa.types.is_floating(kind) or (is_whole and column.null_count == 0):
        return np.asarray(column.to_numpy())
    found = np.empty(len(column), dtype=object)
    found[:] = column.to_pylist()
    return found


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """Read an `.npz` file. Raises `DataError` for a damaged one and for arrays of objects."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_size(path, sum(member.file_size for member in members))
            values = {
                member.filename.removesuffix(".npy"): _flat(_member(archive, member))
                for member in members
            }
    except DAMAGED as error:
        pickled = "Object arrays" in str(error)
        right = (
            "an array of objects comes from rows of different lengths: every row needs the same "
            "features, in one array [rows, features]; save texts as `np.array(…, dtype=str)`"
        )
        raise DataError(
            f"{path}: cannot be read as NumPy arrays: {error}\n"
            f"  {right if pickled else 'copy it again, or save it by `np.savez`'}"
        ) from None
    lengths = {name: array.shape[0] if array.ndim else 0 for name, array in values.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n:,}" for name, n in [*lengths.items()][:MAX_SHOWN])
        raise DataError(
            f"{path}: arrays need an entry for each row, and their lengths differ: {told}\n"
            "  save one array of features, one of labels and one of splits, with all rows, and "
            "other arrays in another file"
        )
    return values


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array. Raises `ValueError` where its shape is not that of its bytes."""
    with archive.open(member) as file:
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError(f"{member.filename} has more bytes than its shape {array.shape} takes")
    return array


def _check_size(path: Path, n_bytes: int) -> None:
    """Refuse arrays that are larger than the memory, as a few compressed bytes can be."""
    import psutil

    there = psutil.virtual_memory().total
    if n_bytes > there:
        raise DataError(
            f"{path}: its arrays take {n_bytes / GIB:,.1f} GiB, and this machine has "
            f"{there / GIB:,.1f} GiB of memory\n  save them as smaller files"
        )


def _flat(array: np.ndarray) -> np.ndarray:
    """An array of shape [rows, 1] as one of shape [rows]."""
    return array.ravel() if array.shape[1:] == (1,) else array
