"""Our mean against a printed mean: two one-sided tests of equivalence, and one of a difference.

    d = ours − printed,   SE² = s²/n + s_p²/n_p,   t quantiles by Welch and Satterthwaite

Equivalent within ± margin: both one-sided tests of |d| ≥ margin reject at level α
(schuirmann1987comparison, lakens2017equivalence), which is the 1 − 2α interval of d inside the
margin. The probability that a true difference of the margin or more is called equivalent is at most
α. Different from 0: the two-sided t-test of welch1947generalization rejects at level α.

The assumptions: runs are independent within and between the two samples, their means are about
normal, and the printed deviation is that of single runs. Where a paper prints no deviation, its
runs are assumed to scatter as ours do, which gives s² (1/n + 1/n_p) with n − 1 degrees of freedom.

A printed mean is rounded, so that the true mean lies up to half a last digit away. Both tests are
made for the mean within this reach that is least favourable to their claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

Outcome = Literal["equivalent", "higher", "lower", "undecided"]
MOST_SEEDS = 100
"""Largest number of seeds that is searched for a decision."""


class Sample(NamedTuple):
    """A mean over runs."""

    mean: float
    sd: float | None
    """Sample standard deviation of single runs; None where it is not known."""

    n: int
    rounding: float = 0.0
    """Half a unit of the last digit of the mean; 0 for an exact one."""


@dataclass(frozen=True)
class Equivalence:
    """The comparison of a mean with a printed one."""

    difference: float
    """Ours − printed."""

    low: float
    high: float
    """Ends of the 1 − 2α interval of the difference, widened by the rounding."""

    p_margin: float
    """The larger p-value of the two one-sided tests: small where the means are equivalent."""

    p_zero: float
    """The p-value of the two-sided test of a difference: small where the means differ."""

    outcome: Outcome
    is_different: bool
    """Whether the difference is beyond chance; also possible within the margin."""

    is_assumed: bool
    """Whether the printed runs are assumed to scatter as ours."""


class _Error(NamedTuple):
    """A standard error with its degrees of freedom."""

    value: float
    freedom: float
    is_assumed: bool


def equivalence(
    ours: Sample, printed: Sample, *, margin: float, alpha: float = 0.05
) -> Equivalence | None:
    """Compare our mean with a printed one; None where no standard error can be estimated.

    There is none where ours is the mean of one run, or where no run differs from another.

    >>> ours, printed = Sample(0.7160, 0.003, 5), Sample(0.7194, 0.0038, 5, 0.00005)
    >>> found = equivalence(ours, printed, margin=0.01)
    >>> found.outcome, round(found.difference, 4), round(found.p_margin, 4)
    ('equivalent', -0.0034, 0.0087)
    """
    error = _error(ours, printed)
    if error is None:
        return None
    difference, slack = ours.mean - printed.mean, printed.rounding
    half = float(stdtrit(error.freedom, 1 - alpha)) * error.value + slack
    inside = (margin - slack - abs(difference)) / error.value
    apart = max(abs(difference) - slack, 0.0) / error.value
    p_margin = float(stdtr(error.freedom, -inside))
    p_zero = 2 * float(stdtr(error.freedom, -apart))
    is_different = p_zero < alpha
    outcome: Outcome = "undecided"
    if p_margin < alpha:
        outcome = "equivalent"
    elif is_different:
        outcome = "higher" if difference > 0 else "lower"
    return Equivalence(
        difference=difference,
        low=difference - half,
        high=difference + half,
        p_margin=p_margin,
        p_zero=p_zero,
        outcome=outcome,
        is_different=is_different,
        is_assumed=error.is_assumed,
    )


def _error(ours: Sample, printed: Sample) -> _Error | None:
    if ours.sd is None or ours.n < 2:
        return None
    own = ours.sd**2 / ours.n
    if printed.sd is None or printed.n < 2:
        value = float(np.sqrt(own + ours.sd**2 / printed.n))
        return _Error(value, ours.n - 1, True) if value > 0 else None
    other = printed.sd**2 / printed.n
    if own + other == 0:
        return None
    freedom = (own + other) ** 2 / (own**2 / (ours.n - 1) + other**2 / (printed.n - 1))
    return _Error(float(np.sqrt(own + other)), freedom, False)


def seeds_to_decide(
    ours: Sample, printed: Sample, *, margin: float, alpha: float = 0.05
) -> int | None:
    """The smallest number of our seeds that would decide, at the present means and deviations.

    None where no number up to `MOST_SEEDS` would, because the uncertainty of the printed mean
    remains.
    """
    for n in range(ours.n + 1, MOST_SEEDS + 1):
        found = equivalence(ours._replace(n=n), printed, margin=margin, alpha=alpha)
        if found is not None and found.outcome != "undecided":
            return n
    return None
