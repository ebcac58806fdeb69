"""Splits of a user's own rows: those of a column, or drawn by a rule of the suite.

split: fold_of_paper                            a column of train, val and test
split: {test: 0.2, val: 0.1}                    shares of each cell, at random
split: {test: 0.2, seed: 3, together: patient}  all rows of a patient in one split
split: {folds: 5}                               seed s is tested on fold s
split: {fold: part}                             the same, with the folds in a column
"""

from __future__ import annotations

from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_serializer, model_validator

from evenhand.data.files.columns import Columns
from evenhand.data.files.drawn_splits import Cells, FixedSplit, Folds, Shares, draw
from evenhand.data.files.label_names import numbered
from evenhand.declared.base import Spec
from evenhand.errors import DataError

SPLITS = {
    "train": "train", "training": "train", "0": "train",
    "val": "val", "valid": "val", "validation": "val", "1": "val",
    "test": "test", "testing": "test", "2": "test",
}  # fmt: skip
MAX_SHOWN = 5
"""Largest number of values that an error lists."""

HOW_SPLIT = (
    "write a column of train, val and test; or a rule: `{test: 0.2}`, `{test: 0.2, val: 0.1}`, "
    "`{folds: 5}` or `{fold: COLUMN}`, and `together: COLUMN` for rows that stay in one split"
)
Share = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(min_length=1)]


class SplitRule(Spec):
    """Splits of a table: one of `column`, `test`, `folds` and `fold`. A text is the column."""

    column: Name | None = None
    """Column with train, val or test for each row."""
    test: Share | None = None
    """Share of the rows of each cell that are test rows; at least one row."""
    val: Share | None = None
    """Share of the rows of each cell that are validation rows; None: no validation split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Number of folds of a stratified cross-validation: seed s is tested on fold s, from 0.

    Seeds from `folds` on are further repetitions, with other folds.
    """
    fold: Name | None = None
    """Column with the fold of each row: seed s is tested on the fold s-th in order, from 0."""
    together: Name | None = None
    """Column whose equal values mark rows that stay in one split, such as those of a patient."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """Seed of the draw, 0 by default; the same at every seed of the trials."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"column": value}
        if isinstance(value, SplitRule):
            return value
        if not isinstance(value, dict) or not value or value.keys() - cls.model_fields.keys():
            raise ValueError(HOW_SPLIT)
        return value

    @model_validator(mode="after")
    def _only_one(self) -> Self:
        ways = [name for name in ("column", "test", "folds", "fold") if getattr(self, name)]
        if len(ways) != 1:
            raise ValueError(HOW_SPLIT)
        if self.val is not None and self.test is None:
            raise ValueError(
                "`val` belongs to `test`; with folds, `val: {fraction: 0.2}` of the problem draws "
                "validation rows from the others"
            )
        is_drawn = self.test is not None or self.folds is not None
        if not is_drawn and (self.together is not None or self.seed is not None):
            raise ValueError("`together` and `seed` belong to `test` and `folds`, which are drawn")
        if self.test is not None and self.test + (self.val or 0) >= 1:
            raise ValueError("`test` and `val` leave no training rows; they sum to less than 1")
        return self

    @model_serializer
    def _in_short(self) -> Any:
        if self.column is not None:
            return self.column
        return {name: value for name, value in self.__dict__.items() if value is not None}

    @property
    def roles(self) -> dict[str, str]:
        """Columns that the rule reads, each with its role."""
        named = {"split": self.column, "fold": self.fold, "`together`": self.together}
        return {column: role for role, column in named.items() if column is not None}

    def of(self, columns: Columns, cells: Cells) -> FixedSplit | Folds:
        """The splits of a table. Raises `DataError` where the rule does not fit its rows."""
        if self.column is not None:
            return FixedSplit.of(splits_of(columns, self.column))
        if self.fold is not None:
            given = numbered(columns.texts(self.fold, "fold"))
            if len(given.names) < 2:
                raise DataError(
                    f"{columns.path}: a cross-validation needs two folds or more, and all rows "
                    f"have the fold {given.names[0]!r} in {self.fold!r}\n  name another column"
                )
            return Folds(cells, len(given.names), given=given.numbers)
        units = None
        if self.together is not None:
            units = numbered(columns.texts(self.together, "value")).numbers
        if self.folds is not None:
            return Folds(cells, self.folds, units=units, seed=self.seed or 0)
        assert self.test is not None
        return draw(cells, Shares(self.test, self.val or 0), units=units, seed=self.seed or 0)


def splits_of(columns: Columns, name: str) -> np.ndarray:
    """The split of each row: train, val or test.

    Raises `DataError` for other values, and where no row is in train or test.
    """
    if name not in columns.values:
        try:
            columns.check_name(name)
        except DataError as error:
            raise DataError(f"{error}\n  for the split of each row, {HOW_SPLIT}") from None
    given = columns.texts(name, "split")
    meant = {text: SPLITS.get(text.lower(), "") for text in {*given.tolist()}}
    found = np.array([meant[text] for text in given], dtype=object)
    unknown = sorted(text for text, split in meant.items() if not split)
    told = ", ".join(map(repr, unknown[:MAX_SHOWN]))
    columns.reject_rows(
        found == "",
        f"have an unknown split in {name!r} ({told})",
        "write train, val or test; or 0, 1 or 2",
    )
    for wanted in ("train", "test"):
        if not (found == wanted).any():
            raise DataError(
                f"{columns.path}: a problem needs training and test rows, and none of "
                f"{len(columns):,} rows has the split {wanted} in {name!r}\n"
                f"  write {wanted} for some rows, or name another column, `split: …`"
            )
    return found
