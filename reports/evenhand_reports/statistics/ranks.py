"""Ranks with ties: a row is behind another only where the test says so.

rank   1 + the number of rows that beat it beyond chance. The best group is rank 1, whole: the rows
       that no other beats. Whatever the true best is, a row that any other beats is worse than it.
span   the ranks that the data leave open: from `rank` to rows − the number of rows it beats

Two families of pairs, each Holm-corrected at α separately. The comparisons with the baseline are
declared by the suite before anything runs. All other pairs are one family, although a reader looks
at few of them: which row is the best is read off the same numbers, and only all pairs together hold
their level whatever pair is picked. A rank is made of both: each family errs with probability at
most α, so where nothing differs some rank of a table is wrong with probability at most 2α. One
family of all pairs would hold α for every rank, at the price of the declared comparisons' power.

"Beats beyond chance" is not transitive: ranks repeat and skip, and a row whose seeds scatter may
share a rank that a steadier row of a higher mean has lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from evenhand_reports.statistics.paired_tests import SMALLEST_N, holm, p_values


@dataclass(frozen=True)
class Rank:
    """The place of one row on one problem."""

    rank: int
    span: tuple[int, int]
    is_best: bool


class Families(NamedTuple):
    """How many pairs share a level α: those with the baseline, and all others."""

    declared: int
    others: int


@dataclass(frozen=True)
class Ranking:
    """All rows of one problem: p-values [rows, rows] with NaN where there is no test, and places.

    top    the index of the best mean
    ranks  None where no test could be made: at n = 1, and for a row that is alone
    """

    raw: Float[np.ndarray, "rows rows"]
    adjusted: Float[np.ndarray, "rows rows"]
    top: int
    families: Families
    ranks: tuple[Rank, ...] | None


def rank_rows(
    table: Float[np.ndarray, "rows seeds"],
    *,
    higher: bool,
    alpha: float,
    baselines: Sequence[int | None] = (),
) -> Ranking:
    """Compare all pairs of rows and place every row.

    baselines  by row, the row that the suite compares it with; None for the baseline itself
    """
    first, second = np.triu_indices(len(table), 1)
    p = p_values(table[first] - table[second])
    declared = _declared(first, second, baselines)
    holms = np.empty_like(p)
    for family in (declared, ~declared):
        holms[family] = holm(p[family])
    families = Families(int(declared.sum()), int((~declared).sum()))
    raw, adjusted = _square(p, len(table)), _square(holms, len(table))
    merit = table.mean(1) if higher else -table.mean(1)
    top = int(np.argmax(merit))
    if min(table.shape) < SMALLEST_N:
        return Ranking(raw, adjusted, top, families, None)
    beats: Bool[np.ndarray, "rows rows"] = (adjusted <= alpha) & (merit[:, None] > merit[None, :])
    ranks = tuple(_rank(beats, i) for i in range(len(table)))
    return Ranking(raw, adjusted, top, families, ranks)


def _declared(
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    baselines: Sequence[int | None],
) -> Bool[np.ndarray, " pairs"]:
    """Which pairs are a row and its baseline."""
    wanted = {frozenset((row, base)) for row, base in enumerate(baselines) if base is not None}
    return np.array(
        [frozenset(pair) in wanted for pair in zip(first.tolist(), second.tolist(), strict=True)],
        dtype=bool,
    )


def _square(triangle: Float[np.ndarray, " pairs"], rows: int) -> Float[np.ndarray, "rows rows"]:
    full = np.full((rows, rows), np.nan)
    i, j = np.triu_indices(rows, 1)
    full[i, j] = full[j, i] = triangle
    return full


def _rank(beats: Bool[np.ndarray, "rows rows"], row: int) -> Rank:
    rank = 1 + int(beats[:, row].sum())
    return Rank(rank, (rank, len(beats) - int(beats[row].sum())), rank == 1)
