"""Checks of columns before they become features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int

from evenhand.data.files.cell_numbers import declaration
from evenhand.data.files.column_kinds import (
    is_constant,
    is_from_label,
    is_index_name,
    is_row_number,
)
from evenhand.data.files.columns import MAX_LISTED, Columns, count
from evenhand.data.files.feature_choice import Choice, FeatureRule
from evenhand.data.files.feature_refusals import Refusals, yaml_list
from evenhand.data.files.number_columns import CellColumns
from evenhand.data.files.split_rule import SPLITS

CELLS_AT_ONCE = 2**18
LARGEST = float(np.finfo(np.float32).max)
MANY = 10
"""Number of categories that are not taken for names of rows, in however few rows."""
SAMPLE = 1000
"""Number of texts of a column by which its format is recognised."""


@dataclass(frozen=True)
class Checks:
    """Checks of the cells of a table, whose failures go to `refusals`."""

    columns: Columns
    cells: CellColumns
    choice: Choice
    rule: FeatureRule
    refusals: Refusals

    def reject(self, labels: Int[np.ndarray, " rows"] | None) -> None:
        """Make all checks."""
        self._add("no value in any row", np.asarray(self.cells.is_missing.all(1)))
        with np.errstate(invalid="ignore"):  # Infinity, which is refused below.
            self._reject_unlike_features(labels)
        for i, name in enumerate(self.cells.names):
            if name not in self.refusals.named and name in self.cells.categories:
                self._reject_text(i, name)
        for column in np.flatnonzero(self.cells.is_text.any(1)):
            self._reject_mixed(int(column))
        if self.rule.impute is None:
            for column in np.flatnonzero(self.cells.is_missing.any(1)):
                self._reject_missing(int(column))
        self._reject_ranges()

    def _add(self, kind: str, is_wrong: Bool[np.ndarray, " columns"]) -> None:
        for i in np.flatnonzero(is_wrong):
            if self.cells.names[i] not in self.refusals.named:
                self.refusals.add(kind, self.cells.names[i])

    def _reject_unlike_features(self, labels: Int[np.ndarray, " rows"] | None) -> None:
        """Refuse row numbers, constants and copies of the label, unless they are named."""
        names, values = self.cells.names, self.cells.values
        unnamed = np.array([name not in self.choice.named for name in names], dtype=bool)
        # The numbers between texts are no whole column.
        unnamed &= ~self.cells.is_text.any(1)
        is_category = np.array([name in self.cells.categories for name in names], dtype=bool)
        by_name = np.array([is_index_name(name) for name in names], dtype=bool)
        before = len(self.refusals.named)
        numbers_rows = by_name | (is_row_number(values, names) & ~is_category)
        self._add("row numbers or names of rows", numbers_rows & unnamed)
        self._add("one value in all rows", is_constant(values) & unnamed)
        of_splits = np.array([self._has_splits(name) for name in names], dtype=bool)
        self._add("splits of the rows, such as train and test", of_splits & unnamed)
        if labels is not None:
            self._add(
                "one value in all rows of a class, as copies of the label have",
                is_from_label(values, labels) & unnamed,
            )
        self.refusals.may_be_named |= len(self.refusals.named) > before

    def _has_splits(self, name: str) -> bool:
        """Whether the categories of a column are train, test and the like."""
        names = {text.casefold() for text in self.cells.categories.get(name, ())}
        return len(names) > 1 and names <= SPLITS.keys() and all(map(str.isalpha, names))

    def _reject_text(self, i: int, name: str) -> None:
        """Refuse a column of texts that is not to be one-hot encoded."""
        if name in self.choice.one_hot:
            return
        categories = self.cells.categories[name]
        if format_is := declaration([*categories[:SAMPLE]], self.columns.form):
            self.refusals.add(f"texts that {format_is}", name, self._example(i), fix="")
            return
        is_name = len(categories) > max(MANY, len(self.columns) // 2)
        if self.rule.one_hot == "all" and not is_name:
            return
        many = f"{count(len(categories), 'text')}, {self._example(i)}"
        if is_name:
            self.refusals.add("different texts in most rows", name, many)
        else:
            self.refusals.add("text", name, many, fix="one_hot")

    def _example(self, i: int) -> str:
        """The first value of a column: `'1,5' in row 2`."""
        row = int(np.flatnonzero(~self.cells.is_missing[i])[0])
        text = str(self.columns.as_texts(self.cells.names[i])[row])
        return f"{text[:40]!r} in row {self.columns.row_number(row)}"

    def _reject_mixed(self, i: int) -> None:
        """Refuse a column of numbers of which some cells are texts."""
        name = self.cells.names[i]
        rows = np.flatnonzero(self.cells.is_text[i])
        texts = self.columns.as_texts(name)
        wrong = [*dict.fromkeys(texts[rows].tolist())]
        given = [*dict.fromkeys(texts[~self.cells.is_missing[i]].tolist())]
        form = self.columns.form
        if format_is := declaration(given[:SAMPLE], form) or declaration(wrong[:SAMPLE], form):
            row = self.columns.row_number(int(rows[0]))
            self.refusals.add(
                f"texts that {format_is}", name, f"{wrong[0][:40]!r} in row {row}", fix=""
            )
            return
        told = ", ".join(repr(text[:40]) for text in wrong[:MAX_LISTED])
        missing = f"`missing: {yaml_list(wrong)}` for texts that stand for a missing value"
        if len(wrong) > MAX_LISTED:
            missing = f"`missing: […]` with all {len(wrong):,} texts that stand for a missing value"
        self.refusals.add_line(
            name,
            f"{len(rows):,} of {len(texts):,} rows have no number in {name!r}: "
            f"{self.columns.row_numbers(rows)} ({told}{', …' if len(wrong) > MAX_LISTED else ''})",
            f"correct the cells; or write {missing}, or `one_hot: {yaml_list([name])}` for "
            "categories",
        )

    def _reject_missing(self, i: int) -> None:
        name = self.cells.names[i]
        if name in self.refusals.named:
            return
        rows = np.flatnonzero(self.cells.is_missing[i])
        self.refusals.add_line(
            name,
            f"{len(rows):,} of {len(self.columns):,} rows have no value in {name!r}: "
            f"{self.columns.row_numbers(rows)}",
            "fill them in, remove the rows, or write `impute: median` (or mean, or most_frequent), "
            "which is taken from the training split",
        )

    def _reject_ranges(self) -> None:
        """Refuse infinity, and numbers that float32 cannot represent."""
        values = self.cells.values
        shape = len(values)
        is_infinite, is_rounded = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
        at_once = max(1, CELLS_AT_ONCE // values.shape[1])
        for start in range(0, shape, at_once):
            part = slice(start, start + at_once)
            is_infinite[part], is_rounded[part] = _lost_in_float32(values[part])
        for i in np.flatnonzero(is_infinite):
            name = self.cells.names[i]
            rows = np.flatnonzero(np.abs(values[i]) > LARGEST)
            self.refusals.add_line(
                name,
                f"{len(rows):,} of {values.shape[1]:,} rows have infinity, or a number beyond "
                f"float32, in {name!r}: {self.columns.row_numbers(rows)}",
                "replace infinity and numbers beyond float32, or remove the rows",
            )
        self._add(
            "numbers of which float32 loses the differences (subtract the smallest from them)",
            is_rounded,
        )


class LostInFloat32(NamedTuple):
    """Columns that float32 cannot represent."""

    is_infinite: Bool[np.ndarray, " columns"]
    is_rounded: Bool[np.ndarray, " columns"]
    """Whether the error of rounding is visible beside the differences of the values."""


def _lost_in_float32(values: Float64[np.ndarray, "columns rows"]) -> LostInFloat32:
    with np.errstate(over="ignore", invalid="ignore"):
        # fmax and fmin pass over NaN.
        largest, smallest = (f.reduce(values, axis=1) for f in (np.fmax, np.fmin))
        error = np.fmax.reduce(np.abs(values - values.astype(np.float32)), axis=1)
        spread = largest - smallest
        is_infinite = np.fmax(largest, -smallest) > LARGEST
    return LostInFloat32(is_infinite, (error > 1e-3 * spread) & (spread > 0))
