"""Cells of a problem: the examples of one class in one group. None may be empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import DataError

Indices = Int[np.ndarray, " _"]


MAX_LISTED = 8
"""Largest number of cells that an error lists; it counts the others."""


def by_cell(index: Indices, groups: Int[np.ndarray, " n"], n_groups: int) -> list[Indices]:
    """Split the examples of one class by group, each group in the order given."""
    return [index[groups[index] == g] for g in range(n_groups)]


def first_of_each_group(
    index: Indices, n: int, groups: Int[np.ndarray, " n"], n_groups: int
) -> Bool[np.ndarray, " _"]:
    """Whether each example of one class is among its first n, when groups keep their shares.

    From each group the first in the order given are chosen; with one group the first n of all.
    """
    cells = by_cell(np.arange(len(index)), groups[index], n_groups)
    is_first = np.zeros(len(index), dtype=bool)
    for cell, wanted in zip(cells, apportion([len(cell) for cell in cells], n), strict=True):
        is_first[cell[:wanted]] = True
    return is_first


def apportion(sizes: Sequence[int], n: int) -> list[int]:
    """Whole numbers that sum to n in proportion to the sizes, at least 1 for each size above 0.

    They are apportioned by largest remainders, and of equal remainders the first comes first. Where
    n is less than the number of sizes above 0, the smallest sizes get 0.
    """
    exact = np.array(sizes) * n / max(1, sum(sizes))
    given = np.minimum(np.maximum(np.floor(exact), np.array(sizes) > 0), sizes).astype(int)
    while given.sum() < n and (given < sizes).any():
        lacks = np.where(given < sizes, exact - given, -np.inf)
        given[int(lacks.argmax())] += 1
    while given.sum() > n:
        has = np.where(given > 1, given - exact, -np.inf)
        if np.isinf(has).all():
            has = np.where(given > 0, -np.array(sizes, dtype=float), -np.inf)
        given[int(has.argmax())] -= 1
    return [int(k) for k in given]


def check_cells(
    name: str, splits: Mapping[str, TrainingCounts], classes: Sequence[str], groups: Sequence[str]
) -> None:
    """Raise `DataError` where a class, or a (class, group) cell, has no example in a split.

    splits holds counts by name, "train" first. Metrics of a class without an example have no value,
    which a report would find out only after all training.
    """
    for split, counts in splits.items():
        empty = [(c, g) for c, g in np.argwhere(counts == 0).tolist()]
        if not empty:
            continue
        told = [_cell(cell, splits, classes, groups) for cell in empty[:MAX_LISTED]]
        more = [f"and {len(empty) - MAX_LISTED} more"] if len(empty) > MAX_LISTED else []
        kind = "classes" if len(groups) == 1 else "(class, group) cells"
        n = counts.size
        raise DataError(
            "\n  ".join(
                [
                    f"{name}: {len(empty)} of {n} {kind} have no example in the split {split}",
                    *told,
                    *more,
                    _TODO["train" if split == "train" else "held out"],
                ]
            )
        )


_TODO = {
    "train": "losses need a training example of each: use more data, a profile that keeps more, or "
    "other classes or groups",
    "held out": "scores need an example of each: move examples to this split, or use "
    "`val: {fraction: f}`, which draws a share of each cell",
}


def _cell(
    cell: tuple[int, int],
    splits: Mapping[str, TrainingCounts],
    classes: Sequence[str],
    groups: Sequence[str],
) -> str:
    """`waterbird in land: train 56, val 0, test 642`."""
    counts = ", ".join(f"{split} {n[cell]:,}" for split, n in splits.items())
    where = f" in {groups[cell[1]]}" if len(groups) > 1 else ""
    return f"{classes[cell[0]]}{where}: {counts}"
