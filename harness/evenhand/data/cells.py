"""Cells of a problem: the examples of one class in one group, and that none of them is empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int

from evenhand.errors import DataError

Index = Int[np.ndarray, " _"]
Cells = Int[np.ndarray, "classes groups"]

TOLD = 8
"""Cells that an error names; of more it says how many."""


def by_cell(index: Index, groups: Int[np.ndarray, " n"], n_groups: int) -> list[Index]:
    """The examples of one class, group by group, each in the order given."""
    return [index[groups[index] == g] for g in range(n_groups)]


def first_of_each(
    index: Index, n: int, groups: Int[np.ndarray, " n"], n_groups: int
) -> Bool[np.ndarray, " _"]:
    """Which of the examples of one class make up its first n, when each group gives its share.

    Of each group they are the first in the order given; with one group the first n of all.
    """
    cells = by_cell(np.arange(len(index)), groups[index], n_groups)
    is_first = np.zeros(len(index), dtype=bool)
    for cell, wanted in zip(cells, shares([len(cell) for cell in cells], n), strict=True):
        is_first[cell[:wanted]] = True
    return is_first


def shares(sizes: Sequence[int], n: int) -> list[int]:
    """n in proportion to the sizes, in whole numbers, and at least 1 of each that has any.

    By largest remainders, the first of equals before others. Where n is less than there are sizes
    above 0, the smallest get none.
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
    name: str, splits: Mapping[str, Cells], classes: Sequence[str], groups: Sequence[str]
) -> None:
    """Every cell has a training example, and none that trains is missing from another split.

    splits holds counts by name, "train" first. Without groups the training split alone is looked
    at: a class that nobody tests has no recall, which metrics say. Raises `DataError`.
    """
    asked = splits if len(groups) > 1 else {"train": splits["train"]}
    for split, counts in asked.items():
        empty = [(c, g) for c, g in np.argwhere(counts == 0).tolist()]
        if not empty:
            continue
        told = [_cell(cell, splits, classes, groups) for cell in empty[:TOLD]]
        more = [f"and {len(empty) - TOLD} more"] if len(empty) > TOLD else []
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
    "train": "losses and scores need one of each: take more data, a profile that keeps more, or "
    "other classes or groups",
    "held out": "its scores would leave them out: move examples there, or let `val: {fraction: …}` "
    "draw them cell by cell",
}


def _cell(
    cell: tuple[int, int],
    splits: Mapping[str, Cells],
    classes: Sequence[str],
    groups: Sequence[str],
) -> str:
    """`waterbird in land: train 56, val 0, test 642`."""
    counts = ", ".join(f"{split} {n[cell]:,}" for split, n in splits.items())
    where = f" in {groups[cell[1]]}" if len(groups) > 1 else ""
    return f"{classes[cell[0]]}{where}: {counts}"
