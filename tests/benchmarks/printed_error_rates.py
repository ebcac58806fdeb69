"""Error rates of the verdicts on printed numbers, by simulation, as a Markdown table.

    python tests/benchmarks/printed_error_rates.py

Seeds of deviation 0.004 against printed runs of half, the same and twice this deviation, 20,000
pairs each, at α = 0.05 and a margin of 0.01. Rates are in percent. The printed mean is not rounded,
because the allowance for rounding lowers the rates.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

from evenhand_reports.statistics.equivalence import Equivalence, Sample, equivalence

RUNS, SD, MARGIN = 20_000, 0.004, 0.01


def main() -> int:
    print("| our seeds | printed runs | equal, found different | margin apart, found equivalent |")
    print("| --: | --: | --: | --: |")
    for n in (3, 5, 10):
        for n_printed in (5, 10):
            equal, apart = [], []
            for ratio in (0.5, 1.0, 2.0):
                found = p_values(n, n_printed, ratio, 0.0)
                equal.append(np.mean([each.is_different for each in found]))
                found = p_values(n, n_printed, ratio, MARGIN)
                apart.append(np.mean([each.outcome == "equivalent" for each in found]))
            print(f"| {n} | {n_printed} | {_texts(equal)} | {_texts(apart)} |")
    return 0


def p_values(n: int, n_printed: int, ratio: float, difference: float) -> list[Equivalence]:
    """The tests of tables whose true difference is the one given."""
    rng = np.random.default_rng([n, n_printed, int(100 * ratio), int(1e4 * difference)])
    ours = 0.7 + difference + SD * rng.normal(size=(RUNS, n))
    printed = 0.7 + SD * ratio * rng.normal(size=(RUNS, n_printed))
    tests = (
        equivalence(_sample(own), _sample(other), margin=MARGIN)
        for own, other in zip(ours, printed, strict=True)
    )
    return [test for test in tests if test is not None]


def _sample(values: np.ndarray) -> Sample:
    return Sample(float(values.mean()), float(values.std(ddof=1)), len(values))


def _texts(rates: list[np.floating]) -> str:
    return ", ".join(f"{100 * rate:.1f}" for rate in rates)


if __name__ == "__main__":
    raise SystemExit(main())
