"""Resident memory of CIFAR-10 trials that share a process: `evenhand run --inline --pack 4`.

    python tests/benchmarks/memory.py --data DIR [--pack 4] [--seconds 60]

Trains ResNet-32 on CIFAR-10-LT-100 from a prepared data root on the CPU, one thread a trial, until
the time is up, evaluates nothing but what falls into it, and prints the peak of the whole process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import psutil

from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial, Val
from evenhand.execution.execute import Execution
from evenhand.execution.packs import run_pack
from evenhand.execution.preflight import load_data
from evenhand.store import Store
from evenhand.suite.problems import resolve_problem
from evenhand.suite.recipes import resolve_recipe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--pack", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--evaluate", action="store_true", help="a tiny epoch, to its evaluation")
    args = parser.parse_args()
    os.environ["EVENHAND_DATA"] = args.data
    n_max = {"n_max": 100} if args.evaluate else {}
    problem = resolve_problem("cifar10", {"profile": "exp", "ratio": 100, **n_max}, Val())
    recipe = resolve_recipe("cifar-ldam", {"epochs": 3})
    method = REGISTRY.part("method", "erm", {})
    pack = tuple(
        Trial(problem=problem, method=method, recipe=recipe, seed=s) for s in range(args.pack)
    )
    over, peak = threading.Event(), [0]
    watching = threading.Thread(target=watch, args=(over, peak))
    watching.start()
    how = Execution(
        sources=load_data([problem], [0]).sources, time_limit=args.seconds, pack=args.pack
    )
    with tempfile.TemporaryDirectory() as folder:
        run_pack(pack, how, store := Store.open(folder), lambda _: None)
        for record in store.records():
            print(f"seed {record.trial.seed}: {record.exit.status} {record.exit.cause}")
    over.set()
    watching.join()
    print(f"{args.pack} trials in one process: {peak[0] / 2**30:.2f} GiB resident at the peak")


def watch(over: threading.Event, peak: list[int]) -> None:
    while not over.wait(0.1):
        peak[0] = max(peak[0], psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
