"""Splits of a user's own rows: those of a column, or drawn by a rule of the suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from evenhand.data.files.columns import Columns
from evenhand.errors import DataError

Indices = Int[np.ndarray, " _"]

SPLITS = {
    "train": "train", "training": "train", "0": "train",
    "val": "val", "valid": "val", "validation": "val", "1": "val",
    "test": "test", "testing": "test", "2": "test",
}  # fmt: skip
MAX_SHOWN = 5
"""Largest number of values that an error lists."""


class FixedSplit(NamedTuple):
    """Rows of each split; val may be empty."""

    train: Indices
    val: Indices
    test: Indices

    @classmethod
    def of(cls, names: np.ndarray) -> FixedSplit:
        """The rows by the names of their splits."""
        return cls(*(np.flatnonzero(names == name) for name in ("train", "val", "test")))


@dataclass(frozen=True)
class Folds:
    """Folds of a cross-validation."""

    n: int
    """Number of folds."""

    def at(self, seed: int) -> FixedSplit:
        """The splits of a seed."""
        raise NotImplementedError

    def all(self) -> list[FixedSplit]:
        """The splits with each of the folds as the test split."""
        return [self.at(seed) for seed in range(self.n)]


def splits_of(columns: Columns, name: str) -> np.ndarray:
    """The split of each row: train, val or test.

    Raises `DataError` for other values, and where no row is in train or test.
    """
    given = columns.texts(name, "split")
    found = np.array([SPLITS.get(value.lower(), "") for value in given], dtype=object)
    unknown = sorted({str(value) for value in given[found == ""]})
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
