"""Resident memory of one trial with many classes, step by step: it must not grow.

    python tests/benchmarks/step_memory.py [--classes 8142] [--steps 1000]

Trains a linear model on random features on the CPU, with the 8,142 classes of iNaturalist 2018, and
prints the resident memory at every 100th step. Exits with 1 where the second half of the steps ends
more than 5 % above its beginning.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import numpy as np
import psutil
import torch

from evenhand.data.images import Images, Source
from evenhand.data.splits import make_splits
from evenhand.declared.base import Part
from evenhand.declared.recipe import Recipe
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Problem, Trial
from evenhand.train.engine import TrainOptions, train
from evenhand.train.result import Stopped
from evenhand.train.resume import Resumable
from evenhand.train.training import Training

CPU = torch.device("cpu")
MIB = 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=8142)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--features", type=int, default=64)
    args = parser.parse_args()
    trial = made_trial()
    per_class = math.ceil((args.steps + 1) * trial.recipe.batch / args.classes)
    source = made_source(args.classes, per_class, args.features)
    data = make_splits(trial.problem, source, seed=0, vary=())
    watch = Watch(steps=args.steps)
    with contextlib.suppress(Stopped):
        train(trial, data, device=CPU, options=TrainOptions(stop=watch.stop), saved=watch)
    resident = watch.resident
    half = resident[len(resident) // 2 :]
    told = ", ".join(f"{resident[i] / MIB:,.0f}" for i in range(0, len(resident), 100))
    print(f"resident MiB at every 100th of {len(resident)} steps: {told}")
    print(f"from the middle to the end: {half[0] / MIB:,.0f} to {half[-1] / MIB:,.0f} MiB")
    return int(half[-1] > 1.05 * half[0])


def made_trial() -> Trial:
    recipe = Recipe(
        name="features",
        backbone=REGISTRY.part("backbone", "linear"),
        schedule=REGISTRY.part("schedule", "constant"),
        epochs=1,
    )
    problem = Problem(dataset=Part(name="made"), profile=REGISTRY.part("profile", "natural"))
    return Trial(problem=problem, method=REGISTRY.part("method", "la"), recipe=recipe, seed=0)


def made_source(n_classes: int, per_class: int, n_features: int) -> Source:
    rng = np.random.default_rng(0)

    def images(n: int) -> Images:
        labels = np.repeat(np.arange(n_classes), n)
        pixels = rng.standard_normal((len(labels), 1, 1, n_features), dtype=np.float32)
        return Images(pixels, labels, np.zeros_like(labels))

    return Source(images(per_class), images(1), tuple(map(str, range(n_classes))))


@dataclass
class Watch(Resumable):
    """Saves nothing; measures the resident memory after each step, and stops after some steps."""

    steps: int = 1000
    resident: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def save_if_due(self, run: Training) -> None:
        self.resident.append(psutil.Process().memory_info().rss)
        if len(self.resident) == self.steps:
            self.stop.set()


if __name__ == "__main__":
    sys.exit(main())
