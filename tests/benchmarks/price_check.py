"""Estimated and actual CPU seconds of the trials of a suite, by problem and method.

    python tests/benchmarks/price_check.py SUITE [--only FILTER] [--data DIR]

Both are processor time, which other work on the machine changes little. Trials run in this process.
"""

from __future__ import annotations

import argparse
import tempfile
import time

# Before the package is imported, so that trials are timed by the processor's time, too.
time.perf_counter = time.process_time

import evenhand as eh
from evenhand.execution.pricing import with_prices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("--only")
    parser.add_argument("--data")
    given = parser.parse_args()
    suite, store = eh.open_suite(given.suite, only=given.only), tempfile.mkdtemp()
    planned = with_prices(eh.plan(suite, store), use_gpu=False)
    for unpriced in planned.prices.unpriced:
        print(unpriced)
    after = eh.run(suite, store, inline=True, data=given.data, gpus_per_trial=0)
    pairs: dict[str, list[tuple[float, float]]] = {}
    for trial in after.done:
        expected = planned.estimate(trial)
        if expected is not None:
            row = f"{trial.method.name} on {trial.problem.name}"
            pairs.setdefault(row, []).append((expected, after.heads[trial.key].seconds))
    total = [pair for found in pairs.values() for pair in found]
    for row, found in [*pairs.items(), ("all", total)]:
        expected, actual = (sum(column) for column in zip(*found, strict=True))
        print(f"{row}: {expected:.2f} s estimated, {actual:.2f} s taken: {expected / actual:.2f}")
    print(f"{planned.prices.took:.1f} s to price")


if __name__ == "__main__":
    main()
