"""Error rates, power and seeds of the sequential test of two rows, as tables in Markdown.

python tests/benchmarks/until_separated.py [--runs 50000] [--first 5] [--most 20]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import numpy as np
from scipy import stats

from evenhand_reports.statistics.sequential import SequentialTest

ALPHA = 0.05
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]


def collapse(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Scores of which a fifth collapse by 25 times the deviation of the others, of mean 0."""
    return rng.normal(scale=0.02, size=shape) - 0.5 * (rng.random(shape) < 0.2) + 0.1


def both(scores: Draw) -> Draw:
    """Differences of two rows with such scores."""
    return lambda rng, shape: scores(rng, shape) - scores(rng, shape)


EQUAL: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential, both rows": both(lambda rng, shape: rng.exponential(size=shape)),
    "collapse of a fifth, both rows": both(collapse),
    "exponential beside normal, equal variance": lambda rng, shape: (
        rng.exponential(size=shape) - 1 - rng.normal(size=shape)
    ),
    "exponential beside a constant": lambda rng, shape: rng.exponential(size=shape) - 1,
    "collapse of a fifth beside a steady row": lambda rng, shape: (
        collapse(rng, shape) - rng.normal(scale=0.02, size=shape)
    ),
}


def p_at(differences: np.ndarray, n: int) -> np.ndarray:
    """P-values of the t-test at the first n seeds."""
    return stats.ttest_1samp(differences[:, :n], 0.0, axis=1).pvalue


def seeds_to_reject(differences: np.ndarray, first: int, bound: float) -> np.ndarray:
    """The number of seeds at which each run is separated; 0 for those that are not."""
    found = np.zeros(len(differences), dtype=int)
    for n in range(first, differences.shape[1] + 1):
        found[(found == 0) & (p_at(differences, n) <= bound)] = n
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50_000)
    parser.add_argument("--first", type=int, default=5)
    parser.add_argument("--most", type=int, default=20)
    args = parser.parse_args()
    shape, first = (args.runs, args.most), args.first
    bound = SequentialTest(first, args.most, ALPHA).bound
    print(f"c = {bound:.5f}\n\n| equal rows | separated | until p < 0.05 | t-test at {first} |")
    print("| --- | --- | --- | --- |")
    for name, draw in EQUAL.items():
        differences = draw(np.random.default_rng(0), shape)
        shares = [
            (seeds_to_reject(differences, first, bound) > 0).mean(),
            (seeds_to_reject(differences, first, ALPHA) > 0).mean(),
            (p_at(differences, first) <= ALPHA).mean(),
        ]
        print(f"| {name} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |", flush=True)
    print(
        f"\n| lead, in sd | separated | seeds | t at {first} | t at {args.most} | mean where sep. |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for lead in (0.5, 1.0, 1.5, 2.0):
        differences = np.random.default_rng(1).normal(lead, size=shape)
        found = seeds_to_reject(differences, first, bound)
        is_separated, last = found > 0, np.where(found, found, args.most)
        means = differences.cumsum(1)[np.arange(args.runs), last - 1] / last
        fixed = [(p_at(differences, n) <= ALPHA).mean() for n in (first, args.most)]
        shares = " | ".join(f"{100 * share:.1f} %" for share in fixed)
        print(
            f"| {lead} | {100 * is_separated.mean():.1f} % | {last.mean():.1f} | {shares} | "
            f"{means[is_separated].mean():.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
