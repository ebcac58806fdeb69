"""Ranks with ties: a row is behind another only where the table's test says so.

rank   1 + the number of rows that beat it beyond chance. The best group, the rows that the best
       mean does not beat beyond chance, shares rank 1 whole.
span   the ranks that the data leave open: from `rank` to rows − the number of rows it beats

"Beats beyond chance" is not transitive, so ranks may repeat and skip: 1, 1, 3, 3, 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from reports.paired import holm, p_values


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
    ranks  None where no test could be made (n = 1): an order without a test is not a ranking
    """

    raw: Float[np.ndarray, "rows rows"]
    adjusted: Float[np.ndarray, "rows rows"]
    top: int
    ranks: tuple[Rank, ...] | None


def rank_all(
    tables: Sequence[Float[np.ndarray, "rows seeds"]], *, higher: bool, alpha: float
) -> tuple[Ranking, ...]:
    """One ranking for each problem's table of scores, Holm-corrected over all of them together."""
    triangles = [np.triu_indices(len(table), 1) for table in tables]
    raw = [p_values(t[i] - t[j]) for t, (i, j) in zip(tables, triangles, strict=True)]
    adjusted = np.split(holm(np.concatenate([*raw, []])), np.cumsum([len(p) for p in raw]))
    return tuple(
        _ranking(table, _square(p, len(table)), _square(h, len(table)), higher=higher, alpha=alpha)
        for table, p, h in zip(tables, raw, adjusted[: len(tables)], strict=True)
    )


def family_size(tables: Sequence[Float[np.ndarray, "rows seeds"]]) -> int:
    """How many comparisons share one level."""
    return sum(len(table) * (len(table) - 1) // 2 for table in tables)


def _square(triangle: Float[np.ndarray, " pairs"], rows: int) -> Float[np.ndarray, "rows rows"]:
    full = np.full((rows, rows), np.nan)
    i, j = np.triu_indices(rows, 1)
    full[i, j] = full[j, i] = triangle
    return full


def _ranking(
    table: Float[np.ndarray, "rows seeds"],
    raw: Float[np.ndarray, "rows rows"],
    adjusted: Float[np.ndarray, "rows rows"],
    *,
    higher: bool,
    alpha: float,
) -> Ranking:
    merit = table.mean(1) if higher else -table.mean(1)
    top = int(np.argmax(merit))
    if table.shape[1] < 2:
        return Ranking(raw, adjusted, top, None)
    beats: Bool[np.ndarray, "rows rows"] = (adjusted <= alpha) & (merit[:, None] > merit[None, :])
    return Ranking(raw, adjusted, top, tuple(_rank(beats, top, i) for i in range(len(table))))


def _rank(beats: Bool[np.ndarray, "rows rows"], top: int, row: int) -> Rank:
    is_best = not beats[top, row]
    rank = 1 if is_best else 1 + int(beats[:, row].sum())
    return Rank(rank, (rank, max(rank, len(beats) - int(beats[row].sum()))), is_best)
