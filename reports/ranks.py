"""Ranks with ties: a row is behind another only where the test says so.

rank   1 + the number of rows that beat it beyond chance. The best group is rank 1, whole: the rows
       that no other beats. Whatever the true best is, a row that any other beats is worse than it.
span   the ranks that the data leave open: from `rank` to rows − the number of rows it beats

"Beats beyond chance" is not transitive: ranks repeat and skip, and a row whose seeds scatter may
share a rank that a steadier row of a higher mean has lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from reports.paired import SMALLEST_N, holm, p_values


@dataclass(frozen=True)
class Rank:
    """The place of one row on one problem."""

    rank: int
    span: tuple[int, int]
    is_best: bool


@dataclass(frozen=True)
class Ranking:
    """All rows of one problem: p-values [rows, rows] with NaN where there is no test, and places.

    top    the index of the best mean
    family how many pairs share the level α
    ranks  None where no test could be made: at n = 1, and for a row that is alone
    """

    raw: Float[np.ndarray, "rows rows"]
    adjusted: Float[np.ndarray, "rows rows"]
    top: int
    family: int
    ranks: tuple[Rank, ...] | None


def rank_rows(table: Float[np.ndarray, "rows seeds"], *, higher: bool, alpha: float) -> Ranking:
    """Compare all pairs of rows, Holm-corrected over them, and place every row."""
    first, second = np.triu_indices(len(table), 1)
    p = p_values(table[first] - table[second])
    raw, adjusted = _square(p, len(table)), _square(holm(p), len(table))
    merit = table.mean(1) if higher else -table.mean(1)
    top = int(np.argmax(merit))
    if min(table.shape) < SMALLEST_N:
        return Ranking(raw, adjusted, top, p.size, None)
    beats: Bool[np.ndarray, "rows rows"] = (adjusted <= alpha) & (merit[:, None] > merit[None, :])
    ranks = tuple(_rank(beats, i) for i in range(len(table)))
    return Ranking(raw, adjusted, top, p.size, ranks)


def _square(triangle: Float[np.ndarray, " pairs"], rows: int) -> Float[np.ndarray, "rows rows"]:
    full = np.full((rows, rows), np.nan)
    i, j = np.triu_indices(rows, 1)
    full[i, j] = full[j, i] = triangle
    return full


def _rank(beats: Bool[np.ndarray, "rows rows"], row: int) -> Rank:
    rank = 1 + int(beats[:, row].sum())
    return Rank(rank, (rank, len(beats) - int(beats[row].sum())), rank == 1)
