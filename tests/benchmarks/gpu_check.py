"""Speed and results on one GPU: the whole check in one script.

    python tests/benchmarks/gpu_check.py pack --data DIR --out cifar10-lt.zip
    python tests/benchmarks/gpu_check.py speed --images cifar10-lt.zip
    python tests/benchmarks/gpu_check.py train --images cifar10-lt.zip --results DIR --minutes 20

`pack` puts the 12,406 training and 10,000 test images of CIFAR-10-LT-100 into some 39 MB of WebP.
`speed` races the reference loop against one trial and against packs of several, and says how far
from the card's floor they are. `train` trains CE, LDAM-DRW, VS, LA and VS+TLA+ADRW, five seeds
each, to the end of the 200-epoch recipe as far as the minutes go, and prints them beside the
papers' numbers under all three checkpoint rules; called again, it goes on.

Needs torch, torchvision, timm, pyyaml, pydantic, typer and rich; neither Ray nor Plotly.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import statistics
import sys
import tempfile
import time
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))


class _Axes:
    """What `Float[Tensor, "batch classes"]` is where nobody looks at it: the array's type."""

    def __class_getitem__(cls, item: tuple[type, str]) -> type:
        return item[0]


if importlib.util.find_spec("jaxtyping") is None:
    # The package says the shapes of its arrays with it, and only tests check them.
    sys.modules["jaxtyping"] = ModuleType("jaxtyping")
    for kind in ("Bool", "Float", "Int", "Real", "UInt8"):
        setattr(sys.modules["jaxtyping"], kind, _Axes)

import numpy as np
import torch
from PIL import Image

from evenhand.data.images import Images, Source
from evenhand.data.splits import ProblemData, make_splits
from evenhand.declared.record import RULES
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial, Val
from evenhand.execution.execute import Execution
from evenhand.execution.inline import run_inline
from evenhand.execution.preflight import source_key
from evenhand.metrics import score
from evenhand.store import Store
from evenhand.suite.problems import resolve_problem
from evenhand.suite.recipes import resolve_recipe
from evenhand.train.engine import TrainOptions, train
from evenhand_reports.papers import printed_names, published
from tests.benchmarks import reference_loop

METHODS = ("erm", "ldam_drw", "vs", "la", "vs_tla_adrw")
TUNED = {
    "vs": {"tau": 1.25, "gamma": 0.15},
    "la": {"tau": 2.25},
    "vs_tla_adrw": {"tau": 1.0, "gamma": 0.05, "nu": 0.15},
}
"""Recalled from the supplement of kini2021label, and not verified; the last as in the suite
`wang2023_table1`."""

CLASSES = REGISTRY.get("dataset", "cifar10").facts["original"].classes

MACS_AN_IMAGE = 69.1e6
"""Multiplications of a ResNet-32 on 32×32 pixels, forwards."""

PASSES = 3
"""Forwards, gradient of the input, gradient of the weights."""

ACTIVATIONS = 11 * 16 * 32**2 + 10 * 32 * 16**2 + 10 * 64 * 8**2
"""Numbers that the convolutions of a ResNet-32 put out for one image."""

TOUCHES = 13
"""Times that each of them goes through memory where nothing is fused but normalisation with ReLU:
forwards written, read for the statistics, read, written and read; backwards eight times."""


def pack(args: argparse.Namespace) -> None:
    """Write the images of the problem as `train/<class>/*.webp` and `test/<class>/*.webp`."""
    os.environ["EVENHAND_DATA"] = args.data
    data = make_splits(problem(), REGISTRY.make("dataset", problem().dataset), seed=0, vary=())
    with zipfile.ZipFile(args.out, "w") as archive:
        for split, images in (("train", data.train), ("test", data.test)):
            for i, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
                content = io.BytesIO()
                Image.fromarray(pixels).save(content, "webp", lossless=True, quality=100)
                name = f"{split}/{data.summary.classes[label]}/{i:05d}.webp"
                archive.writestr(name, content.getvalue())
    print(f"{args.out}: {Path(args.out).stat().st_size / 1e6:.1f} MB")


def unpacked(path: str) -> Source:
    """The images of a file that `pack` wrote."""
    splits: dict[str, tuple[list[np.ndarray], list[int]]] = {"train": ([], []), "test": ([], [])}
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            split, label, _ = name.split("/")
            with Image.open(io.BytesIO(archive.read(name))) as image:
                splits[split][0].append(np.asarray(image.convert("RGB")))
            splits[split][1].append(CLASSES.index(label))
    made = {
        split: Images(np.stack(pixels), np.array(labels), np.zeros(len(labels), np.int64))
        for split, (pixels, labels) in splits.items()
    }
    return Source(made["train"], made["test"], CLASSES, per_class=5000)


def problem():
    return resolve_problem("cifar10", {"profile": "exp", "ratio": 100}, Val())


def trial(name: str, seed: int, **fields: object) -> Trial:
    return Trial(
        problem=problem(),
        method=REGISTRY.part("method", name, TUNED.get(name, {})),
        recipe=resolve_recipe("cifar-ldam", fields),
        seed=seed,
        vary=("init", "order", "augment"),
    )


def speed(args: argparse.Namespace) -> None:
    """Images per second of whole trials, evaluations included."""
    source = unpacked(args.images)
    data = make_splits(problem(), source, seed=0, vary=())
    device = torch.device(args.device)
    print(card(device))
    n = len(data.train)
    theirs, ours = [], []
    for _ in range(args.rounds):
        began = time.perf_counter()
        reference_loop.train(
            data.train, data.test, epochs=args.epochs, device=device, workers=args.workers
        )
        theirs.append(n * args.epochs / (time.perf_counter() - began))
        ours.append(alone(data, args, device))
    base = statistics.median(theirs)
    print(f"reference loop, {args.workers} workers  {base:12,.0f} images/s")
    report("evenhand, one trial", statistics.median(ours), base, device)
    for size in args.packs:
        report(f"evenhand, {size} in a process", together(source, size, args), base, device)


def alone(data: ProblemData, args: argparse.Namespace, device: torch.device) -> float:
    fields = {"epochs": 5 * args.epochs, **TINY_EVALUATIONS}
    began = time.perf_counter()
    train(
        trial("erm", 0, **fields), data, device=device, options=TrainOptions(threads=args.threads)
    )
    return len(data.train) * 5 * args.epochs / (time.perf_counter() - began)


TINY_EVALUATIONS: dict[str, object] = {"evaluate_every": 4, "dense_from": None}
"""28 % of the epochs of the whole recipe are evaluated; of a short one every fourth is."""


def together(source: Source, size: int, args: argparse.Namespace) -> float:
    trials = [trial("erm", s, epochs=5 * args.epochs, **TINY_EVALUATIONS) for s in range(size)]
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        began = time.perf_counter()
        run_inline(trials, execution(source, size), store, lambda _: None)
        seconds = time.perf_counter() - began
        ends = {record.exit.status for record in store.records()}
        assert ends == {"done"}, {record.exit.cause for record in store.records()}
    return size * 12_406 * 5 * args.epochs / seconds


def execution(source: Source, size: int, **fields: object) -> Execution:
    sources = {source_key(problem().dataset): source}
    return Execution(sources=sources, pack=size, **fields)


def report(name: str, found: float, base: float, device: torch.device) -> None:
    print(f"{name:28} {found:12,.0f} images/s  {found / base:6.1f} × the reference loop", end="")
    if device.type == "cuda":
        print(f"  {found / floor(device):6.1%} of the floor's speed", end="")
    print(flush=True)


@cache
def floor(device: torch.device) -> float:
    """Images per second if the card did nothing but the arithmetic and the memory traffic."""
    flops, bandwidth = measured(device)
    arithmetic = 2 * MACS_AN_IMAGE * PASSES / flops
    memory = 2 * ACTIVATIONS * TOUCHES / bandwidth
    return 1 / max(arithmetic, memory)


@cache
def measured(device: torch.device) -> tuple[float, float]:
    """bf16 operations and bytes a second, of a large product and a large copy."""
    a = torch.randn(8192, 8192, device=device, dtype=torch.bfloat16)
    flops = 2 * 8192**3 / timed(lambda: a @ a)
    big = torch.empty(2**30, device=device, dtype=torch.uint8)
    return flops, 2 * 2**30 / timed(big.clone)


def timed(run) -> float:
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(10):
        run()
    torch.cuda.synchronize()
    return (time.perf_counter() - began) / 10


def card(device: torch.device) -> str:
    if device.type != "cuda":
        return "on the CPU"
    flops, bandwidth = measured(device)
    return (
        f"{torch.cuda.get_device_name(device)}: {flops / 1e12:,.0f} bf16 TFLOP/s and "
        f"{bandwidth / 1e12:.2f} TB/s measured; an image takes "
        f"{2 * MACS_AN_IMAGE * PASSES / 1e6:,.0f} MFLOP and "
        f"{2 * ACTIVATIONS * TOUCHES / 1e6:.1f} MB: floor {floor(device):,.0f} images/s"
    )


def train_all(args: argparse.Namespace) -> None:
    """All methods to the end of the recipe, seed by seed: of each as many as of any other."""
    source, store = unpacked(args.images), Store.open(args.results)
    deadline = time.monotonic() + 60 * args.minutes
    fields = {"epochs": args.epochs} if args.epochs else {}
    trials = [trial(name, seed, **fields) for seed in range(5) for name in METHODS]
    heads = store.heads()
    missing = [t for t in trials if t.key not in heads or heads[t.key].status != "done"]
    for start in range(0, len(missing), args.pack):
        left = deadline - time.monotonic()
        if left > 0:
            limit = execution(source, args.pack, time_limit=left)
            run_inline(missing[start : start + args.pack], limit, store, lambda _: None)
    for name in METHODS:
        show(name, store, [t for t in trials if t.method.name == name])


def show(name: str, store: Store, trials: list[Trial]) -> None:
    records = [r for r in store.records([t.key for t in trials]) if r.exit.status == "done"]
    print(f"{name}: {len(records)} of {len(trials)} seeds; printed: {printed(name)}", flush=True)
    for rule in RULES:
        found = [r.evaluation("test", rule) for r in records]
        values = [
            100 * (score("balanced_accuracy", e.counts, r.data.train_counts) or 0.0)
            for e, r in zip(found, records, strict=True)
            if e is not None
        ]
        if values:
            spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
            print(f"  {rule:10} {statistics.mean(values):6.2f}{spread}", flush=True)
    speeds = [r.cost.images_per_second for r in records if r.cost.images_per_second]
    if speeds:
        print(f"  {statistics.median(speeds):,.0f} images/s a trial while training", flush=True)


def printed(name: str) -> str:
    """What the papers print for this method without SAM."""
    papers = ("kini2021label", "wang2023unified")
    return ", ".join(
        f"{number.printed} ({number.paper})"
        for number in published.numbers_for(problem(), papers)
        if printed_names.METHODS.get(number.method) == name and number.protocol != printed_names.SAM
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.add_argument("--data", required=True, help="where `evenhand data prepare` put it")
    packing.add_argument("--out", required=True)
    packing.set_defaults(run=pack)
    racing = commands.add_parser("speed")
    racing.add_argument("--rounds", type=int, default=3)
    racing.add_argument("--epochs", type=int, default=2, help="of the reference loop; ours: × 5")
    racing.add_argument("--workers", type=int, default=min(16, os.cpu_count() or 1))
    racing.add_argument("--threads", type=int, default=1)
    racing.add_argument("--packs", type=int, nargs="*", default=[2, 4, 8, 16])
    racing.add_argument("--device", default="cuda")
    racing.set_defaults(run=speed)
    training = commands.add_parser("train")
    training.add_argument("--results", required=True)
    training.add_argument("--minutes", type=float, default=20.0)
    training.add_argument("--pack", type=int, default=5)
    training.add_argument("--epochs", type=int, help="instead of 200, to try it out")
    training.set_defaults(run=train_all)
    for command in (racing, training):
        command.add_argument("--images", required=True, help="what `pack` wrote")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
