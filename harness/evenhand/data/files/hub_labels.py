"""Names of labels that the Hugging Face hub keeps in the schema of Parquet files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evenhand.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LISTED = 5
"""Largest number of rows that an error lists."""


def label_names(schema: pa.Schema, column: str) -> list[str]:
    """Names of the labels 0, 1, … of a column; [] where the file has none.

    Raises `ValueError` for metadata that are not JSON.
    """
    found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    for key in ("info", "features", column, "names"):
        found = found.get(key) if isinstance(found, dict) else None
    return [str(name) for name in found] if isinstance(found, list) else []


def with_label_names(path: Path, table: pa.Table) -> pa.Table:
    """The table with names in place of numbers in each column whose labels have names.

    Raises `DataError` for numbers without a name, such as -1 for a hidden label.
    """
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        try:
            names = label_names(table.schema, field.name)
        except ValueError:
            return table
        if names and pa.types.is_integer(field.type):
            numbers = table.column(place).combine_chunks()
            _reject_unnamed(path, field.name, numbers, len(names))
            table = table.set_column(place, field.name, pa.array(names).take(numbers))
    return table


def _reject_unnamed(path: Path, column: str, numbers: pa.Array, n: int) -> None:
    given = numbers.fill_null(0).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero((given < 0) | (given >= n))
    if not len(rows):
        return
    values = ", ".join(map(str, sorted({*given[rows].tolist()})[:MAX_LISTED]))
    named = ", ".join(map(str, rows[:MAX_LISTED].tolist()))
    more = f" and {len(rows) - MAX_LISTED} more" if len(rows) > MAX_LISTED else ""
    raise DataError(
        f"{path}: {len(rows):,} of {len(given):,} rows have the label {values} in {column!r}, and "
        f"the file names 0 to {n - 1}: row{'s' if len(rows) > 1 else ''} {named}{more}\n"
        "  -1 stands for a hidden label on the hub; remove these rows, or take another split"
    )
