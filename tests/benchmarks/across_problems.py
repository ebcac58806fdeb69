"""Intervals over problems by simulation: `python tests/benchmarks/across_problems.py`.

First table: coverage of intervals of a mean over problems, with the correlation of problems at one
seed. Second table: coverage of intervals of average ranks. It prints both tables of
`docs/explanation/statistics.md` and takes a few minutes.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

from scipy.special import stdtrit

from evenhand_reports.statistics.across import ProblemScores, average_ranks, ranks_of

MEAN_TABLES, RANK_TABLES, DRAWS = 4000, 200, 400
Ends = tuple[np.ndarray, np.ndarray]


def bootstrap(scores: np.ndarray, rng: np.random.Generator, *, corrected: bool) -> Ends:
    """The percentile bootstrap over seeds within problems; `corrected` by √(n/(n − 1))."""
    n, mean = scores.shape[2], scores.mean((1, 2))
    drawn = np.empty((DRAWS, len(scores)))
    for i in range(DRAWS):
        seeds = rng.integers(0, n, scores.shape)
        drawn[i] = np.take_along_axis(scores, seeds, 2).mean((1, 2))
    factor = np.sqrt(n / (n - 1)) if corrected else 1.0
    low, high = np.quantile(mean + factor * (drawn - mean), [0.025, 0.975], axis=0)
    return low, high


def satterthwaite(scores: np.ndarray) -> Ends:
    """Student's t with the degrees of freedom of independent strata."""
    n, problems = scores.shape[2], scores.shape[1]
    parts = scores.var(2, ddof=1) / n
    df = parts.sum(1) ** 2 / (parts**2 / (n - 1)).sum(1)
    half = stdtrit(df, 0.975) * np.sqrt(parts.sum(1)) / problems
    return scores.mean((1, 2)) - half, scores.mean((1, 2)) + half


def by_seed(scores: np.ndarray) -> Ends:
    """Student's t on the means over problems at each seed."""
    means = scores.mean(1)
    n = means.shape[1]
    half = stdtrit(n - 1, 0.975) * means.std(1, ddof=1) / np.sqrt(n)
    return means.mean(1) - half, means.mean(1) + half


def means_over_problems(rng: np.random.Generator) -> None:
    """Print the coverage, with the mean width in seed deviations in parentheses."""
    heads = ("bootstrap", "corrected bootstrap", "Satterthwaite", "t by seed")
    print("| correlation | problems | n | " + " | ".join(heads) + " |")
    print("| --: | --: | --: |" + " --: |" * len(heads))
    for rho, problems, n in product((0.0, 0.3), (2, 4, 10), (3, 5, 10)):
        own = rng.normal(size=(MEAN_TABLES, problems, n))
        shared = rng.normal(size=(MEAN_TABLES, 1, n))
        scores = np.sqrt(1 - rho) * own + np.sqrt(rho) * shared
        found = [
            bootstrap(scores, rng, corrected=False),
            bootstrap(scores, rng, corrected=True),
            satterthwaite(scores),
            by_seed(scores),
        ]
        cells = [
            f"{100 * np.mean((low <= 0) & (high >= 0)):.1f} ({np.mean(high - low):.2f})"
            for low, high in found
        ]
        print(f"| {rho:g} | {problems} | {n} | " + " | ".join(cells) + " |")


def rank_bootstrap(tables: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Percentile intervals of average ranks, [rows, 2], with seeds drawn alike for all rows."""
    n, drawn = tables.shape[2], []
    means = tables.mean(2)
    for _ in range(DRAWS):
        seeds = rng.integers(0, n, (len(tables), 1, n))
        again = np.take_along_axis(tables, np.broadcast_to(seeds, tables.shape), 2).mean(2)
        moved = means + np.sqrt(n / (n - 1)) * (again - means)
        drawn.append(np.mean([ranks_of(each, higher=True) for each in moved], axis=0))
    return np.quantile(drawn, [0.025, 0.975], axis=0).T


LEADS = {
    "equal": 0.0,
    "steps of 0.001": 0.001,
    "steps of 0.3": 0.3,
    "steps of 1": 1.0,
}


def ranks_over_problems(rng: np.random.Generator) -> None:
    """Print the share of tables in which the intervals of all rows hold, and the mean width."""
    heads = ("bootstrap", "rank intervals at α", "rank intervals at α/P")
    print("| leads | rows | problems P | n | " + " | ".join(heads) + " |")
    print("| :-- | --: | --: | --: |" + " --: |" * len(heads))
    shapes = ((2, 8, 5), (6, 4, 3), (6, 4, 5), (6, 8, 5), (6, 8, 10))
    for (name, step), (rows, problems, n) in product(LEADS.items(), shapes):
        means = -step * np.arange(rows)
        true = ranks_of(means, higher=True)
        held, width = np.zeros(3), np.zeros(3)
        for _ in range(RANK_TABLES):
            tables = means[None, :, None] + rng.normal(size=(problems, rows, n))
            tables += rng.normal(size=(problems, 1, n))
            scores = [ProblemScores(table, higher=True) for table in tables]
            # `average_ranks` divides the level by the number of problems.
            found = [average_ranks(scores, alpha=a) for a in (0.05 * problems, 0.05)]
            ends = [rank_bootstrap(tables, rng)]
            ends += [np.array([rank.interval for rank in each]) for each in found]
            for i, each in enumerate(ends):
                held[i] += ((each[:, 0] <= true) & (true <= each[:, 1])).all()
                width[i] += (each[:, 1] - each[:, 0]).mean()
        shares, widths = 100 * held / RANK_TABLES, width / RANK_TABLES
        cells = [f"{s:.0f} ({w:.1f})" for s, w in zip(shares, widths, strict=True)]
        print(f"| {name} | {rows} | {problems} | {n} | " + " | ".join(cells) + " |")


def main() -> None:
    """Print both tables."""
    means_over_problems(np.random.default_rng(11))
    print()
    ranks_over_problems(np.random.default_rng(12))


if __name__ == "__main__":
    main()
