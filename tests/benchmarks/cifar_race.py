"""A trial of ours against the reference loop, side by side: images per second, per core or GPU.

    python tests/benchmarks/cifar_race.py [--rounds 3] [--images 1280] [--epochs 10]
    python tests/benchmarks/cifar_race.py --device cuda --images 12406 --workers 8

Whole trials of ResNet-32 at batch 128 with all their evaluations, on images in the proportion of
CIFAR-10-LT-100 (12,406 to train on, 10,000 to test on). The pixels are noise: speed does not depend
on them. The two take turns, on one core, workers included. What counts is the ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import numpy as np
import torch

from evenhand.data.images import Images, Source
from evenhand.data.splits import make_splits
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Trial
from evenhand.suite.recipes import resolve_recipe
from evenhand.train.engine import TrainOptions, train
from tests.benchmarks import reference_loop

TESTS = 10_000 / 12_406


def noise(n: int, seed: int) -> Images:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    pixels = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return Images(pixels, labels, np.zeros_like(labels))


def ours(training: Images, testing: Images, args: argparse.Namespace) -> None:
    source = Source(training, testing, tuple("abcdefghij"))
    problem = Problem(
        dataset=REGISTRY.part("dataset", "cifar10", {}),
        profile=REGISTRY.part("profile", "natural", {}),
    )
    given = {"epochs": args.epochs, **({"precision": args.precision} if args.precision else {})}
    trial = Trial(
        problem=problem,
        method=REGISTRY.part("method", "erm", {}),
        recipe=resolve_recipe("cifar-ldam", given),
        seed=0,
    )
    data = make_splits(problem, source, seed=0, vary=trial.vary)
    options = TrainOptions(threads=args.threads, is_compiled=args.compile)
    train(trial, data, device=torch.device(args.device), options=options)


def theirs(training: Images, testing: Images, args: argparse.Namespace) -> None:
    reference_loop.train(
        training,
        testing,
        epochs=args.epochs,
        device=torch.device(args.device),
        workers=args.workers,
    )


class Spent(NamedTuple):
    """wall and core seconds; the latter include a loader's workers, and feel no neighbours."""

    wall: float
    core: float


def spent(run: Callable[..., None], *given: object) -> Spent:
    before, began = os.times(), time.perf_counter()
    run(*given)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    wall, after = time.perf_counter() - began, os.times()
    return Spent(wall, sum(after[:4]) - sum(before[:4]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1280)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="", help="of ours; by default the recipe's")
    parser.add_argument("--compile", action="store_true", help="compile ours (not counted)")
    args = parser.parse_args()
    if args.device == "cpu":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
        torch.set_num_threads(args.threads)
    training, testing = noise(args.images, 0), noise(round(args.images * TESTS), 1)
    warm = argparse.Namespace(**{**vars(args), "epochs": 1})
    for run in (ours, theirs):
        spent(run, training, testing, warm)
    turns = [("reference loop", theirs), ("evenhand", ours)]
    speeds: dict[tuple[str, str], list[float]] = {}
    for number in range(args.rounds):
        for name, run in turns if number % 2 == 0 else reversed(turns):
            took = spent(run, training, testing, args)
            for kind, value in took._asdict().items():
                speed = args.images * args.epochs / value
                speeds.setdefault((name, kind), []).append(speed)
                print(
                    f"round {number + 1}  {name:15} {speed:9.1f} images a {kind} second", flush=True
                )
    for (name, kind), found in speeds.items():
        print(f"median   {name:15} {statistics.median(found):9.1f} images a {kind} second")
    for kind in Spent._fields:
        pairs = zip(speeds["evenhand", kind], speeds["reference loop", kind], strict=True)
        ratios = [mine / other for mine, other in pairs]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"median ratio in {kind} seconds: {statistics.median(ratios):.2f} ({spread})")


if __name__ == "__main__":
    main()
