"""Splits and folds of rows, drawn so that every cell keeps its share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from evenhand.errors import DataError

Indices = Int[np.ndarray, " _"]
PORTIONS = 20
"""Number of portions of rows that stay together, of which a split gets a whole number."""


class FixedSplit(NamedTuple):
    """Rows of each split; val may be empty."""

    train: Indices
    val: Indices
    test: Indices

    @classmethod
    def of(cls, names: np.ndarray) -> FixedSplit:
        """The rows by the names of their splits."""
        return cls(*(np.flatnonzero(names == name) for name in ("train", "val", "test")))


class Shares(NamedTuple):
    """Shares of the test and validation rows among all rows; 0: no validation rows."""

    test: float
    val: float


@dataclass(frozen=True)
class Cells:
    """Cell of each row, and the names of the cells."""

    table: str
    """Path of the table, for messages."""
    of_row: Indices
    names: tuple[str, ...]

    def __iter__(self) -> Iterator[tuple[str, Indices]]:
        """Name and rows of each cell that has rows."""
        for cell, name in enumerate(self.names):
            index = np.flatnonzero(self.of_row == cell)
            if len(index):
                yield name, index


@dataclass(frozen=True)
class Folds:
    """Folds of a cross-validation, stratified by cell."""

    cells: Cells
    n: int
    """Number of folds."""
    given: Indices | None = None
    """Fold of each row; None: the folds are drawn."""
    units: Indices | None = None
    """Number that rows of one fold share; None: each row is drawn by itself."""
    seed: int = 0

    def at(self, seed: int) -> FixedSplit:
        """The splits of a seed of the trials.

        Raises `DataError` for a seed beyond given folds, and where rows are too few for the folds.
        """
        if self.given is not None and seed >= self.n:
            raise DataError(
                f"{self.cells.table}: seed {seed} has no fold: there are {self.n} folds, for the "
                f"seeds 0 to {self.n - 1}\n  write `seeds: {self.n}` or fewer"
            )
        fold = self._drawn(seed // self.n) if self.given is None else self.given
        is_test = fold == seed % self.n
        empty = np.empty(0, dtype=np.int64)
        return FixedSplit(np.flatnonzero(~is_test), empty, np.flatnonzero(is_test))

    def all(self) -> list[FixedSplit]:
        """The splits with each of the folds as the test split."""
        return [self.at(seed) for seed in range(self.n)]

    def _drawn(self, repetition: int) -> Indices:
        if self.units is not None:
            return portions(self.cells, self.units, self.n, seed=(self.seed, repetition))
        few = [f"{name} {len(index)}" for name, index in self.cells if len(index) < self.n]
        if few:
            raise DataError(
                f"{self.cells.table}: each of {self.n} folds needs a row of every cell, and some "
                f"have fewer rows: {', '.join(few[:8])}\n  use fewer folds, or more rows"
            )
        rng = np.random.default_rng((self.seed, repetition))
        fold = np.empty(len(self.cells.of_row), dtype=np.int64)
        dealt = 0
        for _, index in self.cells:
            # Each cell goes on where the last one ended, so that the folds have equal sizes.
            fold[rng.permutation(index)] = (dealt + np.arange(len(index))) % self.n
            dealt += len(index)
        return fold


def draw(cells: Cells, shares: Shares, *, units: Indices | None, seed: int) -> FixedSplit:
    """Draw test and validation rows, a share of each cell and at least one row of it.

    units   number that rows of one split share; None: each row is drawn by itself

    Raises `DataError` where a cell, or the number of units, is too small.
    """
    if units is not None:
        return _draw_units(cells, shares, units, seed)
    rng = np.random.default_rng(seed)
    train, val, test = [], [], []
    for name, index in cells:
        n_test = max(1, round(shares.test * len(index)))
        n_val = max(1, round(shares.val * len(index))) if shares.val else 0
        if n_test + n_val >= len(index):
            needs = 3 if shares.val else 2
            raise DataError(
                f"{cells.table}: {name} has {len(index)} row(s), too few to draw the splits from\n"
                f"  every cell needs {needs} rows or more, and smaller shares than these where it "
                "has few"
            )
        shuffled = rng.permutation(index)
        test.append(shuffled[:n_test])
        val.append(shuffled[n_test : n_test + n_val])
        train.append(shuffled[n_test + n_val :])
    return FixedSplit(*(np.sort(np.concatenate(part)) for part in (train, val, test)))


def _draw_units(cells: Cells, shares: Shares, units: Indices, seed: int) -> FixedSplit:
    """Draw whole units: the rows are divided into portions, of which each split gets some."""
    n = min(PORTIONS, len(np.unique(units)))
    n_test = max(1, round(shares.test * n))
    n_val = max(1, round(shares.val * n)) if shares.val else 0
    if n_test + n_val >= n:
        raise DataError(
            f"{cells.table}: the column of `together` has {n} value(s), too few to draw the splits "
            "from\n  use smaller shares, or rows of more values"
        )
    portion = portions(cells, units, n, seed=(seed, 0))
    ends = [portion >= n_test + n_val, (portion >= n_test) & (portion < n_test + n_val)]
    return FixedSplit(*(np.flatnonzero(mine) for mine in (*ends, portion < n_test)))


def portions(cells: Cells, units: Indices, n: int, *, seed: tuple[int, int]) -> Indices:
    """The portion, from 0 to n − 1, of each row: units are whole, and cells keep their shares.

    Raises `DataError` where there are fewer units than portions.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    there = len(np.unique(units))
    if there < n:
        raise DataError(
            f"{cells.table}: {n} folds need as many values in the column of `together`, and it has "
            f"{there}\n  use {there} folds or fewer"
        )
    drawn = np.random.default_rng(seed).integers(2**31)
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=int(drawn))
    portion = np.empty(len(units), dtype=np.int64)
    with warnings.catch_warnings():
        # It warns of cells that are smaller than n; cells without a row are refused afterwards.
        warnings.simplefilter("ignore", UserWarning)
        try:
            found = list(splitter.split(np.zeros(len(units)), cells.of_row, units))
        except ValueError:
            largest = max(len(index) for _, index in cells)
            raise DataError(
                f"{cells.table}: {n} folds need a cell of {n} rows or more, and the largest has "
                f"{largest}\n  use fewer folds"
            ) from None
    for number, (_, test) in enumerate(found):
        portion[test] = number
    return portion
