"""Verdicts on a simulated table: by the package, and by two procedures that it is compared with.

The package's former procedure is the paired t-test with Holm's correction in two families, the
comparisons with the baseline and all other pairs; its best group consists of the rows that no row
beats. It has no test where all differences of two rows are equal.

The second is moderation without weights: every pair borrows the same degrees of freedom, also a
pair of a row that scatters far more than the others.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from evenhand_reports.statistics.moderation import Pairs
from evenhand_reports.statistics.paired_tests import declared_p_values, holm, of_family, p_values
from evenhand_reports.statistics.ranks import Ranking, rank_rows

ALPHA = 0.05


class Verdicts(NamedTuple):
    """What the three procedures find in one table, whose row 0 is the baseline."""

    ranking: Ranking
    declared: np.ndarray
    """[rows − 1] whether each comparison of the baseline with a row is decided."""

    former: np.ndarray
    unweighted: np.ndarray
    former_best: np.ndarray
    """[rows] whether a row is in the former best group."""


def verdicts(table: np.ndarray) -> Verdicts:
    """Verdicts of all procedures."""
    ranking = rank_rows(table, higher=True, alpha=ALPHA)
    with_baseline = [(0, i) for i in range(1, len(table))]
    former, best = _former(table, ranking.pairs)
    return Verdicts(
        ranking,
        declared_p_values(p_values(of_family(ranking.pairs, with_baseline)), with_baseline)
        <= ALPHA,
        former,
        declared_p_values(_unweighted(ranking.pairs), with_baseline) <= ALPHA,
        best,
    )


def _former(table: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """The decided comparisons with the baseline, and the best group, by paired t-tests."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(pairs.n - 1, -np.abs(pairs.difference / np.sqrt(pairs.own / pairs.n)))
    p = np.where(pairs.own > 0, p, np.nan)
    i, j = np.triu_indices(len(table), 1)
    beats = np.zeros_like(p, dtype=bool)
    for family in (i == 0, i > 0):
        decided = holm(p[i, j][family]) <= ALPHA
        beats[i[family], j[family]] = decided & (pairs.difference[i, j][family] > 0)
        beats[j[family], i[family]] = decided & (pairs.difference[i, j][family] < 0)
    return (beats | beats.T)[0, 1:], ~beats.any(0)


def _unweighted(pairs: Pairs) -> np.ndarray:
    """Two-sided p-values where all pairs borrow the same degrees of freedom."""
    if pairs.prior is None:
        return np.full(pairs.own.shape, np.nan)
    own = np.maximum(pairs.n - 1.0, 0)
    borrowed = np.minimum(pairs.prior.df, (len(own) - 2) * own)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (borrowed * pairs.prior.variance + own * pairs.own) / (borrowed + own)
        return 2 * stdtr(borrowed + own, -np.abs(pairs.difference / np.sqrt(variance / pairs.n)))
