"""Simulated tables of rows whose true means are all equal, for the error rates of the statistics.

A scenario draws scores[tables, rows, seeds] with mean 0; higher is better. The unit is the standard
deviation of a typical row over seeds. An effect of the seed on all rows is left out, because the
differences between rows do not contain it. Where one row is special, it is the last one, or the
baseline (row 0); row 1 is always typical.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Shape = tuple[int, int, int]
Scenario = Callable[[Rng, Shape], np.ndarray]


def normal(rng: Rng, shape: Shape) -> np.ndarray:
    """Normal scores of equal deviation."""
    return rng.standard_normal(shape)


def unequal(rng: Rng, shape: Shape) -> np.ndarray:
    """Deviations between 1/2 and 2, log-uniform over rows."""
    return rng.standard_normal(shape) * np.exp2(rng.uniform(-1, 1, (*shape[:2], 1)))


def half_wide(rng: Rng, shape: Shape) -> np.ndarray:
    """Each row has deviation 1 or 4 with equal probability."""
    return rng.standard_normal(shape) * np.where(rng.random((*shape[:2], 1)) < 0.5, 1.0, 4.0)


def skewed(rng: Rng, shape: Shape) -> np.ndarray:
    """Exponential scores with a tail of high values."""
    return rng.standard_exponential(shape) - 1


def skewed_down(rng: Rng, shape: Shape) -> np.ndarray:
    """Exponential scores with a tail of low values."""
    return 1 - rng.standard_exponential(shape)


def ceiling(rng: Rng, shape: Shape) -> np.ndarray:
    """Beta(29.4, 0.6) scores, whose mean is 0.98."""
    return (rng.beta(29.4, 0.6, shape) - 0.98) / np.sqrt(0.98 * 0.02 / 31)


def collapse(rng: Rng, shape: Shape) -> np.ndarray:
    """Every score is 8 deviations lower with probability 0.2, for each row and seed alone."""
    fallen = rng.random(shape) < 0.2
    return (rng.standard_normal(shape) - 8 * (fallen - 0.2)) / np.sqrt(1 + 64 * 0.16)


def noisy_row(rng: Rng, shape: Shape) -> np.ndarray:
    """The last row has 10 times the deviation of the others."""
    scores = rng.standard_normal(shape)
    scores[:, -1] *= 10
    return scores


def noisy_baseline(rng: Rng, shape: Shape) -> np.ndarray:
    """The baseline has 10 times the deviation of the others."""
    scores = rng.standard_normal(shape)
    scores[:, 0] *= 10
    return scores


def wide_baseline(rng: Rng, shape: Shape) -> np.ndarray:
    """The baseline has twice the deviation of the others."""
    scores = rng.standard_normal(shape)
    scores[:, 0] *= 2
    return scores


def wider_baseline(rng: Rng, shape: Shape) -> np.ndarray:
    """The baseline has three times the deviation of the others."""
    scores = rng.standard_normal(shape)
    scores[:, 0] *= 3
    return scores


def missing(rng: Rng, shape: Shape) -> np.ndarray:
    """Normal scores, of which each is missing with probability 0.2."""
    return np.where(rng.random(shape) < 0.2, np.nan, rng.standard_normal(shape))


def heavy(rng: Rng, shape: Shape) -> np.ndarray:
    """Student's t with 3 degrees of freedom, scaled to deviation 1."""
    return rng.standard_t(3, shape) / np.sqrt(3)


def rounded(rng: Rng, shape: Shape) -> np.ndarray:
    """Normal scores rounded to multiples of their deviation: 1/100 where that is one point."""
    return np.round(rng.standard_normal(shape))


def noisy_seed(rng: Rng, shape: Shape) -> np.ndarray:
    """At the first seed all rows scatter 4 times as much as at the others."""
    scores = rng.standard_normal(shape)
    scores[:, :, 0] *= 4
    return scores


def factors(rng: Rng, shape: Shape) -> np.ndarray:
    """Half of each row's variance is owed to two factors that all rows share in random parts."""
    tables, rows, seeds = shape
    loads = rng.standard_normal((tables, rows, 2)) / 2
    shared = loads @ rng.standard_normal((tables, 2, seeds))
    return shared + np.sqrt(0.5) * rng.standard_normal(shape)


def clusters(rng: Rng, shape: Shape) -> np.ndarray:
    """Two halves of the rows, within each of which scores correlate by 0.9."""
    tables, rows, seeds = shape
    centres = rng.standard_normal((tables, 2, seeds))[:, np.arange(rows) % 2]
    return np.sqrt(0.9) * centres + np.sqrt(0.1) * rng.standard_normal(shape)


def variants(rng: Rng, shape: Shape) -> np.ndarray:
    """The odd rows, but for row 1, are variants of row 3 (correlation 0.99); others independent."""
    scores = rng.standard_normal(shape)
    own = rng.standard_normal(shape)
    scores[:, 3::2] = np.sqrt(0.99) * scores[:, 3:4] + np.sqrt(0.01) * own[:, 3::2]
    return scores


def one_collapses(rng: Rng, shape: Shape) -> np.ndarray:
    """The last row alone is 8 deviations lower at 20 % of seeds, around the mean of the others."""
    scores = rng.standard_normal(shape)
    scores[:, -1] -= 8 * ((rng.random((shape[0], shape[2])) < 0.2) - 0.2)
    return scores


PROMISED: tuple[Scenario, ...] = (
    normal,
    unequal,
    half_wide,
    skewed,
    skewed_down,
    ceiling,
    collapse,
    noisy_row,
    wide_baseline,
    wider_baseline,
    noisy_baseline,
    missing,
)
"""The scenarios for which error rates are promised."""

FURTHER: tuple[Scenario, ...] = (
    heavy,
    rounded,
    noisy_seed,
    factors,
    clusters,
    variants,
    one_collapses,
)
"""Scenarios for which nothing is promised; the documentation states what was measured."""


def largest_error(alpha: float, n: int) -> float:
    """The family-wise error that is promised with n seeds: 1.2 α for n ≥ 5, otherwise 1.6 α."""
    return (1.2 if n >= 5 else 1.6) * alpha
