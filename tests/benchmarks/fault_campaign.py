"""Forty schedules of faults on real raylets, and what came of each, as a Markdown table.

    python tests/benchmarks/fault_campaign.py [--table TABLE.md] [--folder FOLDER] [SEED ...]
    python tests/benchmarks/fault_campaign.py --fixed

Without seeds, the seeds 0 to 39 are played, one after the other. `--fixed` plays the schedules for
every change of the code, which need no rights and must hit with each fault. A schedule that failed
leaves its store, its journal and the output of its runs in the folder. As root, or where user
namespaces are allowed, each node has network, mount and host-name namespaces of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SEEDS = range(40)
FIXED = (-1, -2, -3)
HEAD = """| seed | trials | what was hit | exit codes | resumed | result | seconds |
| --- | --- | --- | --- | --- | --- | --- |
"""


def row(outcome: dict[str, Any]) -> str:
    """The line of the table for one schedule."""
    hit = [text for text in outcome["faults"] if text.rpartition(" (")[0] not in outcome["not_hit"]]
    missed = [f"not hit: {name}" for name in outcome["not_hit"]]
    result = "; ".join(outcome["problems"]) or "as undisturbed"
    cells = [
        outcome["seed"],
        outcome["trials"],
        ", ".join(hit + missed),
        ", ".join(map(str, outcome["codes"])),
        outcome["resumed"],
        result.replace("|", "\\|"),
        f"{outcome['seconds']:.0f}",
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


def main() -> None:
    """Play the schedules and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--fixed", action="store_true")
    parser.add_argument("seeds", type=int, nargs="*")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="faults-"))
    path = os.pathsep.join(str(ROOT / name) for name in ("harness", "reports", ""))
    words = [sys.executable, "-P", "-m", "tests.faults.campaign", "--folder", str(folder)]
    table, failed = HEAD, 0
    seeds = FIXED if given.fixed else given.seeds or SEEDS
    for seed in seeds:
        # A process of its own for each: its namespaces end with it.
        done = subprocess.run(
            [*words, "--", str(seed)],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        outcome = json.loads(done.stdout)
        failed += bool(outcome["problems"] or (given.fixed and outcome["not_hit"]))
        table += row(outcome)
        print(row(outcome), end="", flush=True)
        if given.table is not None:
            given.table.write_text(table)
    print(f"{failed} schedules with problems; what they left is in {folder}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
