"""A paired t-test that is made again after each further seed, pocock1977group.

Looks are made at the suite's number of seeds and after each further one, up to a largest number
that is chosen before the first. The test rejects at the first look whose two-sided p-value is at
most a bound c, which is the same at every look. Under independent normal differences of mean 0 the
probability of any rejection is α. The joint distribution of the p-values over the looks does not
depend on the variance, so c is a quantile of the smallest p-value of simulated sequences.
Differences that are the same at every seed have no variance, and get the exact sign test,
p = 2^(1 − n).

The interval at a look has the confidence level 1 − c. All looks together cover the true difference
with probability 1 − α, whichever look is the last, jennison1989interim, and the interval excludes 0
where the test rejects. The mean itself is biased away from 0 where the test rejects early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr

from evenhand_reports.statistics.estimate import TOLERANCE, Estimate, estimate
from evenhand_reports.statistics.paired_tests import SMALLEST_N

MOST_SEEDS = 200
"""Largest number of seeds of a design, for which the simulation takes some ten seconds."""
SEQUENCES = 200_000
"""Simulated sequences, by which c has a standard error of about 1 % at α = 0.05."""
FEWEST_REJECTED = 1000
"""Simulated sequences below the quantile, from which on c is a quantile."""


@dataclass(frozen=True)
class Look:
    """The differences of the first n seeds."""

    estimate: Estimate
    """Mean difference with its repeated confidence interval."""
    p: float
    """Two-sided p-value of this look alone; of the sign test where all differences are equal."""

    @property
    def n(self) -> int:
        """Number of seeds."""
        return self.estimate.n


@dataclass(frozen=True)
class SequentialTest:
    """The looks of a test and its level, which are fixed before the first look."""

    first: int
    """Number of seeds of the first look, at least 2."""
    most: int
    """Number of seeds of the last look."""
    alpha: float = 0.05
    """Probability of any rejection if the true difference is 0."""

    def __post_init__(self) -> None:
        assert SMALLEST_N <= self.first <= self.most <= MOST_SEEDS, "checked by the callers"

    @property
    def n_looks(self) -> int:
        """Largest number of looks."""
        return self.most - self.first + 1

    @property
    def bound(self) -> float:
        """The p-value c at or below which a look rejects."""
        return _bound(self.first, self.most, self.alpha)

    def looks(self, differences: Sequence[float], *, unit: str = "%") -> list[Look]:
        """The looks at differences in the order of their seeds, up to the first that rejects.

        None where there are fewer differences than the first look needs. Differences after the
        look that rejects, or after the last look, are not used.

        >>> test = SequentialTest(first=3, most=10)
        >>> [look.n for look in test.looks([0.02, 0.05, 0.01, 0.03, 0.02, 0.03, 0.02])]
        [3, 4, 5, 6]
        """
        given = np.asarray(differences[: self.most], dtype=np.float64)
        found: list[Look] = []
        for n, [p] in _p_values(given[:, None], self.first):
            mean = estimate(given[:n].tolist(), alpha=self.bound, unit=unit)
            if mean.sd == 0 and p > self.bound:
                # Equal differences have no interval before the sign test rejects.
                mean = replace(mean, interval=None)
            found.append(Look(mean, float(p)))
            if self.rejects(found[-1]):
                break
        return found

    def rejects(self, look: Look) -> bool:
        """Whether a look separates the rows."""
        return look.p <= self.bound


def _p_values(
    differences: Iterable[Float[np.ndarray, " sequences"]], first: int
) -> Iterator[tuple[int, Float[np.ndarray, " sequences"]]]:
    """The number of seeds and the p-value of each sequence, look by look.

    The differences come seed by seed. Mean and sum of squares are updated, welford1962note.
    """
    mean = squares = np.zeros(1)
    for n, values in enumerate(differences, start=1):
        deviation = values - mean
        mean = mean + deviation / n
        squares = squares + deviation * (values - mean)
        if n >= first:
            sd = np.sqrt(squares / (n - 1))
            with np.errstate(divide="ignore", invalid="ignore"):
                t = mean / (sd / np.sqrt(n))
            sign = np.where(np.abs(mean) < TOLERANCE, 1.0, 2.0 ** (1 - n))
            yield n, np.where(sd < TOLERANCE, sign, 2 * stdtr(n - 1, -np.abs(t)))


@lru_cache
def _bound(first: int, most: int, alpha: float) -> float:
    """The α-quantile of the smallest p-value over the looks, by simulation at a fixed seed.

    Below a level that the simulation can resolve it is Bonferroni's bound.
    """
    if alpha * SEQUENCES < FEWEST_REJECTED:
        return alpha / (most - first + 1)
    generator = np.random.default_rng(1977)
    differences = (generator.standard_normal(SEQUENCES) for _ in range(most))
    smallest = np.ones(SEQUENCES)
    for _, p in _p_values(differences, first):
        np.minimum(smallest, p, out=smallest)
    # The lower of two order statistics, so that rounding does not raise the error rate.
    return float(np.quantile(smallest, alpha, method="lower"))
