"""The order of the rows of a problem: ranks with intervals, and the group of the best.

Rows are ordered by their means, and a rank is a position in that order. Three statements say how
much the order means:

- *The best group* by multiple comparisons with the best (hsu1984constrained, gupta1965some). A row
  is outside if some other row is better, one-sided, at α over its k − 1 comparisons (Bonferroni);
  of two rows, if the two-sided test finds it.
  The row that is truly best is outside with probability at most α. So is each of several rows that
  are truly equal and best, but not all of them at once.
- *The interval of a rank*: 1 + the rows that beat the row, to k − the rows that it beats, by all
  pairs at α after Holm. All intervals together hold the true ranks with probability 1 − α
  (almohamad2022simultaneous).
- *Incomparable rows*. A row whose scores scatter much is beaten by nobody, and would therefore be
  in the best group whatever its mean. It is set apart if a row of better mean is outside, if its
  scatter alone is atypical at α over all rows, or if it scatters more than a typical row (k q < 1
  in `moderation`) and would be outside with the scatter of the median pair of other rows. The best
  group is never empty: a row of atypical scatter is not set apart where no other row would remain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtr

from evenhand_reports.statistics.estimate import TOLERANCE
from evenhand_reports.statistics.moderation import (
    Pairs,
    Square,
    borrows_less,
    moderated_pairs,
    scatters_alike,
    widened,
)
from evenhand_reports.statistics.paired_tests import SMALLEST_N, holm, p_values
from evenhand_reports.statistics.resampling import standard_error


@dataclass(frozen=True)
class Rank:
    """The rank of one row on one problem."""

    rank: int
    """1 + the number of rows of better mean."""

    span: tuple[int, int]
    """The simultaneous interval of the rank."""

    is_best: bool
    """Whether the row is in the best group and comparable."""

    is_incomparable: bool = False
    """Whether no row beats it only because its scores scatter so much."""

    p_best: float = 1.0
    """The p-value of "this row is the best", over its comparisons with all others."""

    scatter: float = 1.0
    """The deviation of the row over that of a typical row, after the part that all rows share at a
    seed is removed."""

    is_noisy: bool = False
    """Whether the row scatters so much that its comparisons borrow less from the others."""


@dataclass(frozen=True)
class Ranking:
    """The comparison of all rows of one problem."""

    pairs: Pairs
    p: Square
    """Two-sided p-values of all pairs before correction; NaN where there is no test."""

    top: int
    """The index of the row of the best mean."""

    ranks: tuple[Rank | None, ...] | None
    """Rank of each row, None for a row without scores at every seed; None in all where no test
    could be made: at n = 1, and for fewer than two rows with scores."""


def rank_rows(
    table: Float[np.ndarray, "rows seeds"],
    *,
    higher: bool,
    alpha: float,
    test_ratio: float = 0.0,
    is_whole: Sequence[bool] | None = None,
) -> Ranking:
    """Compare all pairs of rows, and rank the rows that have a score at every seed.

    NaN marks a seed without a score. Where `is_whole` is given, rows for which it is False are
    compared but not ranked. `test_ratio` is n_test / n_train where the seeds are resampled
    splits, otherwise 0.
    """
    pairs = moderated_pairs(table)
    p = p_values(pairs, test_ratio=test_ratio)
    scored: Bool[np.ndarray, " rows"] = ~np.isnan(table).any(1)
    if is_whole is not None:
        scored &= np.array(is_whole, dtype=bool)
    means = np.array([row.mean() if ok else np.nan for row, ok in zip(table, scored, strict=True)])
    merit = np.where(scored, means if higher else -means, -np.inf)
    top = int(np.argmax(merit)) if merit.size else 0
    if min(int(scored.sum()), table.shape[1]) < SMALLEST_N:
        return Ranking(pairs, p, top, None)
    [kept] = np.nonzero(scored)
    of_kept = pairs if len(kept) == len(table) else moderated_pairs(table[kept])
    found = _ranks(of_kept, merit[kept], alpha=alpha, test_ratio=test_ratio)
    ranks: list[Rank | None] = [None] * len(table)
    for i, rank in zip(kept.tolist(), found, strict=True):
        ranks[i] = rank
    return Ranking(pairs, p, top, tuple(ranks))


def _ranks(
    pairs: Pairs,
    merit: Float[np.ndarray, " rows"],
    *,
    alpha: float,
    test_ratio: float,
) -> list[Rank]:
    """The ranks of rows that have all seeds."""
    rows = len(merit)
    lead = merit[None] - merit[:, None]  # [i, j]: by how much row j is better than row i
    # Two rows have one comparison, which is declared as a two-sided one.
    of_row = p_values(widened(pairs, pairs.wider[:, None] * np.ones(rows)), test_ratio=test_ratio)
    p_best = np.minimum(1, max(rows - 1, 2) * _one_sided(of_row, lead).min(1))
    wider = np.maximum(pairs.wider[:, None], pairs.wider[None])
    beats = _adjusted(p_values(widened(pairs, wider), test_ratio=test_ratio)) <= alpha
    better = lead > TOLERANCE
    out = p_best <= alpha
    noisy = borrows_less(pairs)
    kept = _is_comparable(pairs, lead, out, alpha=alpha, test_ratio=test_ratio)
    alone = out | ~kept
    return [
        Rank(
            rank=1 + int(better[i].sum()),
            span=(
                1 + int((beats[i] & better[i]).sum()),
                rows - int((beats[i] & better[:, i]).sum()),
            ),
            is_best=not alone[i],
            is_incomparable=bool(alone[i] and not out[i]),
            p_best=float(p_best[i]),
            scatter=float(pairs.scatter[i]),
            is_noisy=bool(noisy[i]),
        )
        for i in range(rows)
    ]


def _is_comparable(
    pairs: Pairs,
    lead: Square,
    out: Bool[np.ndarray, " rows"],
    *,
    alpha: float,
    test_ratio: float,
) -> Bool[np.ndarray, " rows"]:
    """Whether a row's place in the best group is not owed to its scatter."""
    below_a_beaten_row = ((lead > TOLERANCE) & out[None]).any(1)
    if pairs.prior is None or not np.isfinite(pairs.prior.variance):
        return np.asarray(~below_a_beaten_row)
    hidden = [
        i
        for i in np.flatnonzero(borrows_less(pairs)).tolist()
        if _would_be_beaten(pairs, i, float(lead[i].max()), alpha=alpha, test_ratio=test_ratio)
    ]
    kept = ~below_a_beaten_row
    kept[hidden] = False
    strict = kept & scatters_alike(pairs, alpha)
    return np.asarray(strict if (strict & ~out).any() else kept)


def _would_be_beaten(
    pairs: Pairs, row: int, lead: float, *, alpha: float, test_ratio: float
) -> bool:
    """Whether a row would be outside the best group with the scatter of the median other pair."""
    rows = len(pairs.n)
    i, j = np.triu_indices(rows, 1)
    others = (i != row) & (j != row)
    variance, df = (np.median(each[i, j][others]) for each in (pairs.variance, pairs.df))
    error = standard_error(float(np.sqrt(variance)), int(pairs.n[0, 0]), test_ratio)
    return bool((rows - 1) * stdtr(df, -lead / error) <= alpha) if error > 0 else lead > TOLERANCE


def _one_sided(p: Square, lead: Square) -> Square:
    """P-values for "row j is not better than row i" from two-sided ones; 1 on the diagonal."""
    one_sided = np.where(lead > 0, p / 2, 1 - p / 2)
    one_sided[np.isnan(p)] = 1.0
    np.fill_diagonal(one_sided, 1.0)
    return one_sided


def _adjusted(p: Square) -> Square:
    """Holm's p-values over all pairs of rows; 1 on the diagonal."""
    upper = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[upper] = holm(p[upper])
    return np.asarray(np.minimum(adjusted, adjusted.T))
