"""Cells of a problem: the examples of one class in one group. None may be empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import DataError

MAX_LISTED = 8
"""Largest number of cells that an error lists; it counts the others."""
OF_TRAINING = (
    "losses need a training example of each: use more data, a profile that keeps more, or other "
    "classes or groups"
)
OF_SCORES = "scores need an example of each: move examples to this split"


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
    name: str,
    splits: Mapping[str, TrainingCounts],
    classes: Sequence[str],
    groups: Sequence[str],
    hint: str = "",
) -> None:
    """Raise `DataError` where a class, or a (class, group) cell, has no example in a split.

    splits holds counts by name, "train" first. hint is a further correction for the training and
    the validation split.
    Metrics of a class without an example have no value, which a report would find out only after
    all training.
    """
    for split, counts in splits.items():
        empty = [(c, g) for c, g in np.argwhere(counts == 0).tolist()]
        if not empty:
            continue
        told = [_cell(cell, splits, classes, groups) for cell in empty[:MAX_LISTED]]
        more = [f"and {len(empty) - MAX_LISTED} more"] if len(empty) > MAX_LISTED else []
        kind = "classes" if len(groups) == 1 else "(class, group) cells"
        what = f"{name}: {len(empty)} of {counts.size} {kind} have no example in the split {split}"
        right = OF_TRAINING if split == "train" else OF_SCORES
        right += f"; or {hint}" if split != "test" and hint else ""
        raise DataError("\n  ".join([what, *told, *more, right]))


def cell_name(label: int, group: int, classes: Sequence[str], groups: Sequence[str]) -> str:
    """Name of a cell: `class waterbird`, or `class waterbird in the group land`."""
    where = f" in the group {groups[group]}" if len(groups) > 1 else ""
    return f"class {classes[label]}{where}"


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
