"""Does the fast path change a result? Against float32, eagerly, on the same seeds, paired.

    python tests/benchmarks/fast_path.py [--seeds 5] [--epochs 100]
    python tests/benchmarks/fast_path.py --suite SUITE --data DIR --epochs 10

Trains the suite's methods in float32 and in bf16, with `--compile` compiled too, and prints, a
method, the mean difference of
balanced accuracy on test at the last epoch, its t interval over seeds, and the standard deviation
over seeds that it is to be compared with. By default the quickstart: real digits at ratio 100.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.preflight import load_data
from evenhand.metrics import score
from evenhand.store import Store
from evenhand.suite.resolve import open_suite
from evenhand_reports.statistics.estimate import estimate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="quickstart")
    parser.add_argument("--methods", nargs="*", default=["erm", "la", "ldam_drw", "vs_tla_adrw"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--data")
    parser.add_argument("--compile", action="store_true", help="the fast one of the two")
    args = parser.parse_args()
    if args.data:
        os.environ["EVENHAND_DATA"] = args.data
    suite = open_suite(args.suite)
    like = {
        configuration.method.name: configuration.trials[0] for configuration in suite.configurations
    }
    sources = load_data([suite.configurations[0].problem], [0]).sources
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        for name in args.methods:
            arms = {p: arm(like[name], p, args) for p in ("fp32", "bf16")}
            for precision, trials in arms.items():
                is_fast = args.compile and precision == "bf16"
                compiled = frozenset(t.workload for t in trials if is_fast)
                how = Execution(sources=sources, compiled=compiled, compile_anywhere=True)
                run_inline(trials, how, store, lambda _: None)
            show(name, {p: scores(store, trials) for p, trials in arms.items()})


def arm(like, precision: str, args: argparse.Namespace) -> list:
    """The trials of one arithmetic, a seed each."""
    changes = {"precision": precision, "deterministic": False}
    changes |= {"epochs": args.epochs} if args.epochs else {}
    recipe = like.recipe.model_copy(update=changes)
    return [like.model_copy(update={"recipe": recipe, "seed": s}) for s in range(args.seeds)]


def scores(store: Store, trials: list) -> list[float]:
    found = []
    for trial in trials:
        record = store.read(trial.key)
        evaluation = record.evaluation("test", "last")
        assert evaluation is not None, record.exit.cause
        value = score("balanced_accuracy", evaluation.counts, record.data.train_counts)
        assert value is not None
        found.append(100 * value)
    return found


def show(name: str, found: dict[str, list[float]]) -> None:
    full, half = found["fp32"], found["bf16"]
    differences = [b - a for a, b in zip(full, half, strict=True)]
    noise = max(statistics.stdev(full), statistics.stdev(half))
    over_seeds = estimate(differences)
    low, high = over_seeds.interval.low, over_seeds.interval.high
    print(
        f"{name:12} fp32 {statistics.mean(full):5.2f} ± {statistics.stdev(full):.2f}  "
        f"bf16 {statistics.mean(half):5.2f} ± {statistics.stdev(half):.2f}  "
        f"bf16 − fp32 {over_seeds.mean:+.2f} [{low:+.2f}, {high:+.2f}]: "
        f"{'within' if abs(over_seeds.mean) < noise else 'BEYOND'} the seeds' {noise:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
