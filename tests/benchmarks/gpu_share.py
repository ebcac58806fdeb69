"""Check on one GPU that a trial fits into the share that its measured memory gives it.

    python tests/benchmarks/gpu_share.py --model resnet18 --batch 128

Trains two epochs on random images alone on the GPU, computes the share from the memory in the
record, and trains them again in a process that is limited to this share, which must end in time and
with the same record of success. In a process that is limited to half of what the trial took, it
must be told that the share is too small. Prints the memory, the share and the times.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import numpy as np

from evenhand.data.images import Images, Source
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial, Val
from evenhand.execution.execute import Execution, run_trial
from evenhand.execution.node_places import share_of
from evenhand.execution.preflight import source_key
from evenhand.execution.provenance import gpu
from evenhand.execution.raised import GpuShareExceeded
from evenhand.store import Store
from evenhand.suite.problems import resolve_problem
from evenhand.suite.recipes import part, resolve_recipe

Found = tuple[str, float, float | None]
"""Status, seconds and memory of a trial."""


def main() -> None:
    """Train alone, within the share, and within too small a one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="resnet18", help="a model of timm")
    parser.add_argument("--batch", type=int, default=128)
    args = parser.parse_args()
    card = gpu()
    assert card is not None, "this check needs a GPU with nvidia-smi"
    status, seconds, gib = _apart(args, 1.0)
    assert status == "done", status
    assert gib is not None
    share = share_of(gib, card)
    assert share is not None
    print(f"{card.name}, {card.gib:.1f} GiB: the trial took {gib:.2f} GiB and {seconds:.1f} s")
    limited = _apart(args, share)
    print(f"with the share {share:g}: {limited[0]}, {limited[1]:.1f} s, {limited[2]} GiB")
    assert limited[0] == "done", limited
    short = _apart(args, 0.5 * gib / card.gib)
    print(f"with half of what it took: {short[0]}")
    assert short[0] == "share exceeded", short


def _apart(args: argparse.Namespace, share: float) -> Found:
    """Train in a process of its own, whose limit is gone with it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_train, (args, share))


def _train(args: argparse.Namespace, share: float) -> Found:
    problem = resolve_problem("cifar10", {"profile": "exp", "ratio": 100}, Val())
    recipe = resolve_recipe("cifar-ldam", {"epochs": 2, "batch": args.batch})
    recipe = recipe.model_copy(update={"backbone": part("backbone", timm={"model": args.model})})
    method = REGISTRY.part("method", "erm", {})
    trial = Trial(problem=problem, method=method, recipe=recipe, seed=0)
    sources = {source_key(problem.dataset): _random()}
    execution = Execution(sources=sources, gpu_fraction=share, needs_gpu=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            record = run_trial(trial, execution, Store.open(folder), lambda _: None)
        except GpuShareExceeded:
            return "share exceeded", 0.0, None
    status = record.exit.cause or record.exit.status
    return status, record.cost.train_seconds, record.cost.reserved_gpu_memory_gib


def _random() -> Source:
    """Random images with the shape and the labels of CIFAR-10."""
    rng = np.random.default_rng(0)

    def images(per_class: int) -> Images:
        labels = np.repeat(np.arange(10), per_class)
        pixels = rng.integers(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8)
        return Images(pixels, labels, np.zeros_like(labels))

    classes = REGISTRY.get("dataset", "cifar10").facts["original"].classes
    return Source(images(5000), images(1000), classes)


if __name__ == "__main__":
    main()
