"""Statements over several problems: average ranks with intervals, and tests over data sets.

*Average rank.* On each problem a row has the rank of its mean; rows of equal mean share the mean of
their ranks. The average over P problems has the interval between the averages of the lower and of
the upper ends of the rank intervals of `ranks.py`, each computed at the level α/P. By Bonferroni,
all intervals of average ranks together hold the true ones with probability 1 − α. "True" refers to
these problems and to new seeds; nothing is claimed about other problems. A bootstrap of the ranks
is not used: it draws the ranks of close rows towards the middle.

*Critical differences* (demsar2006statistical). Here the data sets are the sample, so that a
statement covers data sets like these. Friedman's test of equal rows (friedman1937use) precedes
Wilcoxon's signed-rank test for each pair of rows over the data sets (wilcoxon1945individual), with
Holm's correction over all pairs. The test of a pair does not depend on the other rows, in contrast
to Nemenyi's test of mean ranks (benavoli2016should).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from evenhand_reports.statistics.paired_tests import holm
from evenhand_reports.statistics.ranks import rank_rows

FEWEST_ROWS = 3
"""Two rows have one difference, and Friedman's test needs three."""

DIGITS = 12
"""Digits to which means are rounded before they are ranked: scores are fractions of examples."""


@dataclass(frozen=True)
class ProblemScores:
    """The scores of the rows on one problem, at the seeds that all of them have."""

    scores: Float[np.ndarray, "rows seeds"]
    higher: bool
    """Whether a higher score is better."""

    test_ratio: float = 0.0
    """n_test / n_train where the seeds are resampled splits, otherwise 0."""

    @property
    def ranks(self) -> Float[np.ndarray, " rows"]:
        """The rank of each row's mean, 1 for the best; equal means share the mean rank."""
        return ranks_of(self.scores.mean(1), higher=self.higher)


@dataclass(frozen=True)
class AverageRank:
    """The average of a row's ranks over problems."""

    mean: float
    interval: tuple[float, float] | None
    """Both ends at the level 1 − α for all rows together; None where no test could be made."""


@dataclass(frozen=True)
class CriticalDifferences:
    """The comparison of rows over data sets."""

    ranks: tuple[float, ...]
    """Average rank of each row over the data sets."""

    friedman: float
    """The p-value of Friedman's test: all rows are equal."""

    adjusted: Float[np.ndarray, "rows rows"]
    """P-values of the pairs after Holm's correction; 1 where Friedman's test does not reject."""

    groups: tuple[tuple[int, ...], ...]
    """Largest groups of rows that are neighbours by average rank and of which no pair differs."""


def ranks_of(means: Float[np.ndarray, " rows"], *, higher: bool) -> Float[np.ndarray, " rows"]:
    """Ranks of means, 1 for the best; equal means share the mean of their ranks.

    >>> ranks_of(np.array([0.7, 0.9, 0.7]), higher=True).tolist()
    [2.5, 1.0, 2.5]
    """
    merits = np.round(means if higher else -means, DIGITS)
    better, equal = merits[None] > merits[:, None], merits[None] == merits[:, None]
    return np.asarray(better.sum(1) + (equal.sum(1) + 1) / 2, dtype=np.float64)


def average_ranks(problems: Sequence[ProblemScores], *, alpha: float) -> list[AverageRank]:
    """The average rank of each row over one or more problems on which all rows have scores."""
    means = np.mean([problem.ranks for problem in problems], axis=0)
    ends = [_ends(problem, alpha / len(problems)) for problem in problems]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return [AverageRank(float(mean), None) for mean in means]
    low, high = np.mean(known, axis=0).T
    return [
        AverageRank(float(mean), (float(first), float(last)))
        for mean, first, last in zip(means, low, high, strict=True)
    ]


def _ends(problem: ProblemScores, alpha: float) -> Float[np.ndarray, "rows 2"] | None:
    """The ends of the rank intervals on one problem; None where no test could be made."""
    ranking = rank_rows(
        problem.scores, higher=problem.higher, alpha=alpha, test_ratio=problem.test_ratio
    )
    spans = [rank.span for rank in ranking.ranks or () if rank is not None]
    return np.array(spans, dtype=np.float64) if spans else None


def fewest_data_sets(rows: int, alpha: float) -> int:
    """The smallest number of data sets at which a pair of rows can differ after correction.

    Wilcoxon's test over N data sets has p ≥ 2/2ᴺ, and the first of m pairs needs p ≤ α/m.

    >>> fewest_data_sets(2, 0.05), fewest_data_sets(5, 0.05), fewest_data_sets(16, 0.05)
    (6, 9, 13)
    """
    pairs = rows * (rows - 1) / 2
    return int(np.ceil(np.log2(2 * pairs / alpha)))


def critical_differences(
    table: Float[np.ndarray, "rows sets"], *, higher: bool, alpha: float
) -> CriticalDifferences:
    """Compare three or more rows over data sets, whose scores are of one metric."""
    assert len(table) >= FEWEST_ROWS, "Friedman's test needs three rows"
    rounded = np.round(table, DIGITS)
    ranks = np.mean([ranks_of(column, higher=higher) for column in rounded.T], axis=0)
    overall = _friedman(rounded)
    adjusted = np.ones((len(table), len(table)))
    if overall <= alpha:
        first, second = np.triu_indices(len(table), 1)
        p = np.array([_wilcoxon(row) for row in rounded[first] - rounded[second]])
        adjusted[first, second] = adjusted[second, first] = holm(p)
    groups = _groups(ranks, adjusted > alpha)
    return CriticalDifferences(tuple(ranks.tolist()), overall, adjusted, groups)


def _friedman(table: Float[np.ndarray, "rows sets"]) -> float:
    """The p-value of Friedman's test; 1 where all rows are equal on every data set."""
    # Imported here, because scipy.stats takes longer to import than most reports to compute.
    from scipy.stats import friedmanchisquare

    if (table == table[0]).all():
        return 1.0
    return float(friedmanchisquare(*table).pvalue)


def _wilcoxon(differences: Float[np.ndarray, " sets"]) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test, exact also with ties.

    Zero differences are left out. SciPy goes through all signs where there are ties, which takes
    half a second for a pair of rows over eleven data sets.
    """
    known = differences[differences != 0]
    # Ranks that tied differences share end in a half, so all are doubled.
    doubled = np.rint(2 * ranks_of(np.abs(known), higher=False)).astype(int)
    shares = np.ones(1)
    for rank in doubled:
        shares = (np.pad(shares, (0, rank)) + np.pad(shares, (rank, 0))) / 2
    positive = int(doubled[known > 0].sum())
    return float(min(1.0, 2 * min(shares[: positive + 1].sum(), shares[positive:].sum())))


def _groups(ranks: Float[np.ndarray, " rows"], alike: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Largest runs of two or more rows by rank of which every pair is alike."""
    order = np.argsort(ranks, kind="stable").tolist()
    found: list[tuple[int, ...]] = []
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and all(alike[order[end], row] for row in order[start:end]):
            end += 1
        run = tuple(order[start:end])
        if len(run) > 1 and not (found and set(run) <= set(found[-1])):
            found.append(run)
    return tuple(found)
