"""What the harness costs a trial through Ray, record and all, when training costs nothing.

    python tests/benchmarks/ray_overhead.py [1000 10000]

A plugin replaces training by nothing; everything else is the real path: the suite is resolved and
planned, Tune runs every trial on re-used actors, each prepares its data, writes its record and
reports. Start-up (Ray and the first import of torch in each worker) is told apart by running one
trial first. Also: a second run of the finished suite, and one with a seed more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NO_OP = """
from evenhand.declared.record import Cost
from evenhand.execution import execute

_train = execute._train

def without_training(*args):
    # Not above: the driver, which has the plugin, too, does not import torch.
    from evenhand.train import engine
    engine.train = lambda *args, **kwargs: engine.TrainingResult((), {}, Cost())
    return _train(*args)

execute._train = without_training
"""
PLUGIN = ("--plugin", "no_op.py")
SUITE = """
suite: overhead
question: What does the harness cost?
problems:
  - digits: {profile: exp, ratio: 10}
val: {per_class: 10}
recipe: digits
seeds: %d
methods: [erm, la]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


def evenhand(folder: Path, *arguments: str) -> float:
    """Seconds that a command took. Raises where it failed."""
    began = time.perf_counter()
    command = [sys.executable, "-c", "from evenhand.cli import main; main()", *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - began


def run(folder: Path, seeds: int, results: str, *plugin: str) -> float:
    (folder / "suite.yaml").write_text(SUITE % seeds)
    return evenhand(folder, "run", "suite.yaml", "--results", results, *plugin)


def planned(folder: Path, results: str) -> dict[str, int]:
    command = [sys.executable, "-c", "from evenhand.cli import main; main()"]
    shown = subprocess.run(
        [*command, "plan", "suite.yaml", "--results", results, "--json"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    return dict(json.loads(shown.stdout))


def main() -> None:
    sizes = [int(n) for n in sys.argv[1:]] or [1000, 10000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "no_op.py").write_text(NO_OP)
        start = run(folder, 1, "r-start", *PLUGIN)
        print(f"start-up, with two trials: {start:.1f} s")
        for n in sizes:
            taken = run(folder, n // 2, f"r-{n}", *PLUGIN)
            plan = planned(folder, f"r-{n}")
            assert plan["done"] == n, plan
            each = (taken - start) / (n - 2) * 1000
            print(f"{n} trials: {taken:.1f} s, {each:.1f} ms a trial beyond start-up")
            print(f"  again, finished: {run(folder, n // 2, f'r-{n}'):.2f} s")
            more = run(folder, n // 2 + 1, f"r-{n}", *PLUGIN)
            assert planned(folder, f"r-{n}")["done"] == n + 2
            print(f"  one seed more, two trials: {more:.1f} s")


if __name__ == "__main__":
    main()
