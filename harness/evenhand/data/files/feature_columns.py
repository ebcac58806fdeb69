"""Features of a user's own rows: numbers, categories and matrices of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32, Int

from evenhand.data.files.column_encoding import ColumnEncoder
from evenhand.data.files.column_kinds import wrong_in_matrix
from evenhand.data.files.columns import MAX_LISTED, Columns, count, shorten
from evenhand.data.files.feature_checks import Checks
from evenhand.data.files.feature_choice import FeatureRule, choose
from evenhand.data.files.feature_refusals import Refusals, yaml_list
from evenhand.data.files.label_names import numbered, similar_names
from evenhand.data.files.number_columns import (
    CellColumns,
    encode_texts,
    has_image_files,
    kind_of,
    read_cells,
    stack_lists,
)
from evenhand.data.files.own_source import Examples
from evenhand.errors import DataError, listed

Matrix = Float32[np.ndarray, "rows _"]


def read_features(
    columns: Columns, rule: FeatureRule, taken: Mapping[str, str], order: np.ndarray
) -> Examples:
    """Features of rows in the order given.

    taken   columns with another role, such as the label, each with that role

    Raises `DataError` for columns that cannot be features, with all of them in one message.
    """
    choice = choose(columns, rule, taken)
    refusals = Refusals(columns)
    kinds = {name: kind_of(columns, name) for name in choice.names}
    for name, kind in kinds.items():
        if kind not in ("cells", "matrix"):
            refusals.add(kind, name)
            if has_image_files(columns, name):
                refusals.fixes.append(f"or name it as the images, `image: {name}`")
        elif kind == "matrix" and name in choice.one_hot:
            refusals.add("several numbers in each row, which are no category", name, fix="")
    cells = read_cells(columns, [name for name, kind in kinds.items() if kind == "cells"])
    encode_texts(columns, cells, choice.one_hot)
    labels = [numbered(columns.as_texts(n)).numbers for n, role in taken.items() if role == "label"]
    checks = Checks(columns, cells, choice, rule, refusals)
    checks.reject(labels[0] if labels else None)
    refusals.raise_if_any()
    matrices = {n: _matrix(columns, n, rule) for n, kind in kinds.items() if kind == "matrix"}
    for name in matrices.keys() - choice.named:
        _reject_numbers(refusals, name, matrices[name], labels[0] if labels else None)
    refusals.raise_if_any()
    names = [*cells.names, *matrices]
    parts = [cells.values.astype(np.float32).T] if cells.names else []
    raw = np.concatenate([*parts, *matrices.values()], axis=1) if matrices else parts[0]
    return Examples(
        np.ascontiguousarray(raw[order])[:, None, None, :],
        features=tuple(names),
        left_out=choice.left_out,
        notes=_notes(columns, cells, rule, matrices),
        encoder=_encoder(columns, cells, rule, matrices),
    )


def _reject_numbers(
    refusals: Refusals, name: str, matrix: Matrix, labels: Int[np.ndarray, " rows"] | None
) -> None:
    """Refuse a matrix with row numbers or a copy of the label among its numbers."""
    wrong = wrong_in_matrix(matrix, labels)
    if wrong:
        told = listed([f"{what} at place {i}" for i, what in wrong], MAX_LISTED)
        refusals.add_line(
            name,
            f"{name!r} has {told} of its {count(matrix.shape[1], 'number')}, from 0",
            f"write the file without them, or `features: {yaml_list([name])}` with all other "
            "features to take it as it is",
        )


def _matrix(columns: Columns, name: str, rule: FeatureRule) -> Matrix:
    """A column with several numbers in each row. Raises `DataError` for other lengths."""
    values = columns[name]
    if values.dtype == object:
        values = stack_lists(columns, name)
    with np.errstate(over="ignore"):
        numbers = values.astype(np.float32).reshape(len(values), -1)
    is_finite = np.isfinite(numbers) | (np.isnan(numbers) & (rule.impute is not None))
    columns.reject_rows(
        np.asarray(~is_finite.all(1)),
        f"have values in {name!r} that are no finite numbers of float32",
        "replace the values, or remove the rows; `impute: median` replaces NaN",
    )
    if not numbers.shape[1]:
        raise DataError(
            f"{columns.path}: {name!r} has no number in any row\n  write `leave_out: [{name}]`"
        )
    return numbers


def _notes(
    columns: Columns, cells: CellColumns, rule: FeatureRule, matrices: Mapping[str, Matrix]
) -> tuple[str, ...]:
    found = []
    if cells.categories:
        told = [f"{name!r} ({len(of)})" for name, of in [*cells.categories.items()][:MAX_LISTED]]
        more = ", …" if len(cells.categories) > MAX_LISTED else ""
        found.append(
            f"{count(len(cells.categories), 'column')} of categories: {', '.join(told)}{more}; "
            "those of the training split are one-hot encoded"
        )
    for name, of in cells.categories.items():
        found += similar_names(of, f"categories of {name!r}")
    absent = [n for n, no in zip(cells.names, cells.is_missing, strict=True) if no.any()]
    absent += [name for name, of in matrices.items() if np.isnan(of).any()]
    statistic = (rule.impute or "").replace("_", " ")
    for which, of_numbers in ((statistic, True), ("most frequent", False)):
        mine = [n for n in absent if (n not in cells.categories) == of_numbers]
        if mine:
            found.append(
                f"missing values in {shorten(mine)} are replaced by the {which} value of the "
                "training split"
            )
    if cells.booleans:
        found.append(f"true is 1 and false is 0 in {shorten(sorted(cells.booleans))}")
    if cells.plain:
        plain = shorten(sorted(cells.plain))
        found.append(f"the numbers in {plain} have a decimal point, and are read so")
    found += [
        f"{name!r} has {count(of.shape[1], 'number')} in each row" for name, of in matrices.items()
    ]
    return tuple(found)


def _encoder(
    columns: Columns, cells: CellColumns, rule: FeatureRule, matrices: Mapping[str, Matrix]
) -> ColumnEncoder | None:
    """Encoder of the categories and missing values; None where there are none."""
    has_gaps = cells.is_missing.any() or any(np.isnan(of).any() for of in matrices.values())
    if not cells.categories and not has_gaps:
        return None
    wide: Sequence[str] = [name for name, of in matrices.items() for _ in range(of.shape[1])]
    return ColumnEncoder(
        str(columns.path),
        (*cells.names, *wide),
        (*(name in cells.categories for name in cells.names), *(False for _ in wide)),
        rule.impute,
    )
