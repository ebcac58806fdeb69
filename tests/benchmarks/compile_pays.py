"""What compiling a ResNet-32 costs and what it saves: the figures in `execution/compiling.py`.

    python tests/benchmarks/compile_pays.py [--bf16] [--steps 8]

Each measurement runs in a process of its own, the second on the cache that the first one filled.
Core seconds of forward and backward passes at batch 128 on one thread; medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import torch
import torch.nn.functional as F

from evenhand.backbones.names import cifar_resnet32
from evenhand.backbones.networks.build import build


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once:
        measure(args)
        return
    with tempfile.TemporaryDirectory() as cache:
        for what in ("empty cache", "filled cache"):
            print(f"{what}:", flush=True)
            environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": cache}
            again = [sys.executable, __file__, *sys.argv[1:], "--once"]
            subprocess.run(again, env=environment, check=True)


def measure(args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    network = build(cifar_resnet32(), n_classes=10, head="linear", in_channels=3, image_size=32)
    network = network.to(memory_format=torch.channels_last)
    images = torch.randn(128, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(128) % 10

    def step(f) -> float:
        began = time.process_time()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            logits = f(images)
        F.cross_entropy(logits.float(), labels).backward()
        return time.process_time() - began

    step(network)
    eager = statistics.median(step(network) for _ in range(args.steps))
    compiled = torch.compile(network, dynamic=False)
    began = time.perf_counter()
    step(compiled)
    first = time.perf_counter() - began
    fast = statistics.median(step(compiled) for _ in range(args.steps))
    print(f"  compiling  {first - fast:6.1f} s")
    print(f"  a step     {eager:6.3f} core seconds eagerly, {fast:6.3f} compiled")
    print(f"  saved      {1 - fast / eager:6.1%} of forward and backward passes")


if __name__ == "__main__":
    main()
