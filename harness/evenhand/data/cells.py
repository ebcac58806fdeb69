"""Examples of one class by group."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from evenhand.declared.cells import apportion

Indices = Int[np.ndarray, " _"]


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
