"""Ranks with ties: a row ranks behind another only where a test shows the difference.

The rank of a row is 1 + the number of rows that beat it beyond chance. The best group consists of
all rows of rank 1, which no other row beats.

There are two families of pairs, each Holm-corrected at α separately. The comparisons with the
baseline are declared by the suite before it runs. All other pairs form one family, although a
reader looks at few of them: the pair of interest is chosen after the results are known, so the
correction must cover every pair. A rank depends on both families, and each errs with probability at
most α. Where nothing differs, some rank of a table is therefore wrong with probability at most 2α.
One family of all pairs would hold α for every rank, but the declared comparisons would lose power.

"Beats beyond chance" is not transitive, so ranks repeat and skip. A row whose scores vary much over
seeds can share a rank that a row of higher mean and smaller spread does not have.
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
    """The rank of one row on one problem."""

    rank: int
    span: tuple[int, int]
    """The ranks compatible with the data: from `rank` to the number of rows it does not beat."""

    is_best: bool


class Families(NamedTuple):
    """Sizes of the two families of pairs: those with the baseline, and all others."""

    declared: int
    others: int


@dataclass(frozen=True)
class Ranking:
    """The comparison of all rows of one problem."""

    raw: Float[np.ndarray, "rows rows"]
    """P-values before correction; NaN where there is no test."""

    adjusted: Float[np.ndarray, "rows rows"]
    """P-values after Holm's correction."""

    top: int
    """The index of the row of the best mean."""

    families: Families
    ranks: tuple[Rank | None, ...] | None
    """Rank of each row, None for a row without scores; None in all where no test could be made: at
    n = 1, and for fewer than two rows with scores."""


def rank_rows(
    table: Float[np.ndarray, "rows seeds"],
    *,
    higher: bool,
    alpha: float,
    baselines: Sequence[int | None] = (),
    test_ratio: float = 0.0,
) -> Ranking:
    """Compare all pairs of rows and rank every row that has scores.

    A row of NaN has no scores. It is not ranked, and its pairs have no test, but they count in the
    size of their family: the correction of the other pairs does not depend on what has been run.
    `baselines` holds for each row the index of its baseline; None for the baseline itself.
    `test_ratio` is n_test / n_train where the seeds are resampled splits, otherwise 0.
    """
    scored: Bool[np.ndarray, " rows"] = ~np.isnan(table).any(1)
    first, second = np.triu_indices(len(table), 1)
    p = p_values(table[first] - table[second], test_ratio=test_ratio)
    declared = _declared(first, second, baselines)
    holms = np.empty_like(p)
    for family in (declared, ~declared):
        holms[family] = holm(p[family])
    families = Families(int(declared.sum()), int((~declared).sum()))
    raw, adjusted = _square(p, len(table)), _square(holms, len(table))
    merit = np.where(scored, table.mean(1) if higher else -table.mean(1), -np.inf)
    top = int(np.argmax(merit))
    if min(int(scored.sum()), table.shape[1]) < SMALLEST_N:
        return Ranking(raw, adjusted, top, families, None)
    beats: Bool[np.ndarray, "rows rows"] = (adjusted <= alpha) & (merit[:, None] > merit[None, :])
    size = int(scored.sum())
    ranks = tuple(_rank(beats, i, size) if scored[i] else None for i in range(len(table)))
    return Ranking(raw, adjusted, top, families, ranks)


def _declared(
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    baselines: Sequence[int | None],
) -> Bool[np.ndarray, " pairs"]:
    """Whether a pair consists of a row and its baseline."""
    with_baseline = {
        frozenset((row, base)) for row, base in enumerate(baselines) if base is not None
    }
    return np.array(
        [
            frozenset(pair) in with_baseline
            for pair in zip(first.tolist(), second.tolist(), strict=True)
        ],
        dtype=bool,
    )


def _square(triangle: Float[np.ndarray, " pairs"], rows: int) -> Float[np.ndarray, "rows rows"]:
    full = np.full((rows, rows), np.nan)
    i, j = np.triu_indices(rows, 1)
    full[i, j] = full[j, i] = triangle
    return full


def _rank(beats: Bool[np.ndarray, "rows rows"], row: int, size: int) -> Rank:
    """The rank of a row among `size` rows that have scores."""
    rank = 1 + int(beats[:, row].sum())
    return Rank(rank, (rank, size - int(beats[row].sum())), rank == 1)
