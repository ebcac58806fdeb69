"""Time and memory of `plan`, `status` and `report` on a store of 10,000 and of 100,000 records.

    python tests/benchmarks/store_scale.py [10000 100000] [--rows 20] [--folder DIR]

The suite has five problems; the number of seeds makes up the size. Every trial has its record, as
after a whole run. Each command is a process of its own, and starts with the index that the one
before has left; `cold` is the first command on a store without an index. The lines are rows of the
table in `docs/explanation/scale.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

from evenhand.declared.trial import Trial
from evenhand.store import Store
from evenhand.suite.resolve import Suite, open_suite
from tests.records import make_record

SUITE = """
suite: scale
question: How long do commands take on a large store?
problems:
  - digits: {{profile: exp, ratio: {{grid: [10, 20, 50, 100, 110]}}}}
val: {{per_class: 10}}
recipe: digits
seeds: {seeds}
methods:
  - erm
  - la: {{tau: {{grid: {taus}}}}}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""
COMMANDS = ("plan", "status", "report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--folder", help="where to write; default: a temporary folder")
    options = parser.parse_args()
    print("| records | command | CPU time | memory |")
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            written = write(folder, size, options.rows)
            print(f"{size:,} records were written in {1000 * written / size:.2f} ms each")
            for command, label in [
                ("plan", "`plan`, cold"),
                *((command, f"`{command}`") for command in COMMANDS),
            ]:
                cpu, _, mib = measured(folder, command)
                print(f"| {size:,} | {label} | {cpu:.1f} s | {mib:,.0f} MiB |", flush=True)


def write(folder: Path, size: int, rows: int) -> float:
    """Write the suite and a record for each of its trials, without fsync; the seconds it took."""
    os.fsync = lambda _: None  # type: ignore[assignment]
    taus = json.dumps([round(0.01 * (i + 1), 2) for i in range(rows - 1)])
    (folder / "suite.yaml").write_text(SUITE.format(seeds=size // (5 * rows), taus=taus))
    suite: Suite = open_suite(str(folder / "suite.yaml"))
    assert len(suite.trials) == size, len(suite.trials)
    store, began = Store.open(folder / "results"), time.perf_counter()
    for trial in suite.trials.values():
        store.write(make_record(trial=trial, accuracy=recall(trial)))
    return time.perf_counter() - began


def recall(trial: Trial) -> float:
    """A score that differs by method and seed."""
    tau = float(str(trial.method.settings.get("tau", 0)))
    return 0.6 + 0.1 * min(tau, 2.0) + 0.01 * (trial.seed % 7)


def measured(folder: Path, command: str) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak memory of a command. Raises where it failed."""
    path = os.pathsep.join(map(str, (ROOT / "harness", ROOT / "reports")))
    words = [sys.executable, "-c", "from evenhand.cli import main; main()", command, "suite.yaml"]
    began = time.perf_counter()
    with (folder / "output").open("w") as out:
        process = subprocess.Popen(
            words, cwd=folder, env=os.environ | {"PYTHONPATH": path}, stdout=out, stderr=out
        )
        _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError((folder / "output").read_text()[-2000:])
    wall = time.perf_counter() - began
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
