"""What saving a trial's state costs: ResNet-32 on 12,406 images, to a folder on this disk.

python tests/benchmarks/checkpoint_cost.py [--runs 20] [--folder DIR]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import torch

from evenhand.data.images import Source
from evenhand.data.splits import make_splits
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Trial
from evenhand.store import Store
from evenhand.suite.recipes import resolve_recipe
from evenhand.train.initial_state import begin
from evenhand.train.resume import LEAST_SECONDS, SHARE, Resumable
from tests.benchmarks.cifar_race import noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--folder", help="where to write; default: a temporary folder")
    args = parser.parse_args()
    problem = Problem(
        dataset=REGISTRY.part("dataset", "cifar10", {}),
        profile=REGISTRY.part("profile", "natural", {}),
    )
    trial = Trial(
        problem=problem,
        method=REGISTRY.part("method", "erm", {}),
        recipe=resolve_recipe("cifar-ldam", {}),
        seed=0,
    )
    source = Source(noise(12_406, 0), noise(1_000, 1), tuple("abcdefghij"))
    training = begin(trial, make_splits(problem, source, seed=0, vary=()), torch.device("cpu"))
    training.step(training.stage, torch.arange(128))
    sizes: list[int] = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        store = Store.open(folder)

        def write(content: bytes) -> None:
            sizes.append(len(content))
            store.save_state(trial.key, content)

        saved = Resumable(write=write)
        took = [timed(saved, training) for _ in range(args.runs)]
    median = statistics.median(took)
    print(
        f"a save       {1000 * median:.0f} ms, {1000 * max(took):.0f} ms at most, "
        f"{sizes[-1] / 1e6:.1f} MB"
    )
    print(
        f"of the time  {median / max(LEAST_SECONDS, median / SHARE):.2%}: every {LEAST_SECONDS:g} s"
    )


def timed(saved: Resumable, training) -> float:
    began = time.perf_counter()
    saved.save(training)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
