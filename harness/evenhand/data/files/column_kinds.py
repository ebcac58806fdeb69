"""Columns that are no features: row numbers, constants and copies of the label."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int

Matrix = Float[np.ndarray, "columns rows"]

INDEX_NAME = re.compile(r"(unnamed: \d+(_level_\d+)?|__index_level_\d+__|level_\d+)")
"""Names that pandas gives to an index."""
ID_NAME = re.compile(
    r"(.*[^a-z])?((id|ids|idx|index|indices|uuid|guid|rowid|rownum|row[^a-z]?names?|recid)([^a-z].*)?|"
    r"(key|no|nr|num|number|row|serial)[^a-z]*)"
)
"""Names of keys. A `sample number` is one, and a `number of votes` is a count."""
FEW = 100
"""Number of rows by which most columns are seen not to be row numbers."""


def is_constant(columns: Matrix) -> Bool[np.ndarray, " columns"]:
    """Whether a column has one value in all rows that have any."""
    # fmax and fmin pass over NaN.
    return np.asarray(np.fmax.reduce(columns, axis=1) == np.fmin.reduce(columns, axis=1))


def is_from_label(
    columns: Matrix, labels: Int[np.ndarray, " rows"]
) -> Bool[np.ndarray, " columns"]:
    """Whether a column has one value in all rows of a class, as a copy of the label has.

    Missing values are passed over: a copy with gaps is still a copy.
    """
    _, first, number = np.unique(labels, return_index=True, return_inverse=True)
    few, firsts = columns[:, :FEW], columns[:, first[number[:FEW]]]
    is_alike = (few == firsts) | np.isnan(few) | np.isnan(firsts)
    found = np.zeros(len(columns), dtype=bool)
    for i in np.flatnonzero(is_alike.all(1)):
        found[i] = _is_copy(columns[i], number)
    found[found] = ~is_constant(columns[found])
    return found


def _is_copy(column: Float[np.ndarray, " rows"], labels: Int[np.ndarray, " rows"]) -> bool:
    """Whether the values of each of the classes 0, 1, … are one; a class has several rows."""
    of_class = np.full(labels.max() + 1, np.nan)
    np.fmax.at(of_class, labels, column)
    given = ~np.isnan(column)
    n_classes = (~np.isnan(of_class)).sum()
    return bool(n_classes < given.sum() and (column == of_class[labels])[given].all())


def wrong_in_matrix(
    matrix: Float32[np.ndarray, "rows numbers"], labels: Int[np.ndarray, " rows"] | None
) -> list[tuple[int, str]]:
    """Numbers of a matrix that are no features, by place: row numbers and copies of the label."""
    few = matrix[:FEW]
    is_distinct = (np.diff(np.sort(few, axis=0), axis=0) != 0).all(0)
    likely = np.flatnonzero(is_distinct & (few == np.floor(few)).all(0))
    columns = matrix[:, likely].T.astype(np.float64)
    numbers_rows = likely[is_row_number(columns, [""] * len(likely))]
    found = [(int(i), "row numbers") for i in numbers_rows]
    if labels is not None:
        copies = np.flatnonzero(is_from_label(matrix.T, labels))
        found += [(int(i), "one value in all rows of a class") for i in copies]
    return found


def is_row_number(columns: Matrix, names: list[str]) -> Bool[np.ndarray, " columns"]:
    """Whether a column names or numbers the rows instead of measuring something."""
    by_name = np.array([is_index_name(name) for name in names], dtype=bool)
    few = columns[:, :FEW]
    steps = np.diff(few, axis=1)
    is_whole = ((few == np.floor(few)) | np.isnan(few)).all(1)
    # Rounding of decimal fractions; the steps of a measured quantity differ far more.
    is_even = (np.abs(steps - steps[:, :1]) <= 1e-6 * np.abs(steps[:, :1])).all(1)
    likely = np.flatnonzero(~by_name & (is_whole | is_even))
    for i in likely:
        by_name[i] = _numbers_rows(columns[i], names[i])
    return by_name


def is_index_name(name: str) -> bool:
    """Whether pandas gives this name to an index."""
    return INDEX_NAME.fullmatch(name.strip().casefold()) is not None


def is_id_name(name: str) -> bool:
    """Whether a name is one of a key, such as `id`, `patient_id` or `rowId`."""
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", name.strip()).casefold()
    return ID_NAME.fullmatch(words) is not None


def _numbers_rows(column: Float64[np.ndarray, " rows"], name: str) -> bool:
    n_rows, column = len(column), column[~np.isnan(column)]
    n = len(column)
    if n < 3 or 2 * n < n_rows:
        return False
    steps = np.diff(column)
    if (column != np.floor(column)).any():
        return bool(steps[0] != 0 and np.allclose(steps, steps[0], rtol=1e-6, atol=0))
    # The numbers begin again where two files were joined.
    if n >= 10 and (steps == 1).mean() > 0.9:
        return True
    if len(np.unique(column[:1000])) < min(n, 1000) or len(np.unique(column)) < n:
        return False
    is_monotone = (steps > 0).all() or (steps < 0).all()
    spread = float(column.max() - column.min()) + 1
    # Of n values drawn from `spread` ones, all differ with a probability of about
    # exp(−n² / 2·spread), here less than 5 in 100,000.
    is_unlikely = n * n > 20 * spread
    return bool(is_monotone or spread == n or is_unlikely or is_id_name(name))
