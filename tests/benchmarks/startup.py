"""How long two trials that train nothing take, against Ray Tune alone with the same imports.

    python tests/benchmarks/startup.py [--pairs 7]

Both start a Ray on this machine and two workers that import torch and timm. Evenhand also reads
the suite, checks the data and the networks, trains in no step (a plugin replaces the training),
and writes two records. The runs alternate; the goal is a ratio of 1.2.
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
sys.path[:0] = map(str, (ROOT, ROOT / "harness"))

from tests.benchmarks.ray_overhead import NO_OP, PLUGIN, SUITE

BARE = """
import ray
from ray import tune

def train(config):
    import timm, torch
    tune.report({"done": 1})

if __name__ == "__main__":
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"index": tune.grid_search([0, 1])},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(storage_path=STORAGE, verbose=0),
    )
    assert len(tuner.fit()) == 2
"""
ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    times: dict[str, list[float]] = {"evenhand": [], "bare Ray Tune": []}
    for _ in range(options.pairs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "no_op.py").write_text(NO_OP)
            (folder / "suite.yaml").write_text(SUITE % 1)
            (folder / "bare.py").write_text(f"STORAGE = {str(folder / 'tune')!r}\n{BARE}")
            cli = ["-c", "from evenhand.cli import main; main()", "run", "suite.yaml", *PLUGIN]
            times["evenhand"].append(seconds(folder, *cli))
            times["bare Ray Tune"].append(seconds(folder, "bare.py"))
    for what, each in times.items():
        spread = f"{min(each):.1f} to {max(each):.1f}"
        print(f"{what:<14} {statistics.median(each):5.1f} s ({spread}, n = {len(each)})")
    ratios = [own / bare for own, bare in zip(*times.values(), strict=True)]
    print(f"{'ratio':<14} {statistics.median(ratios):5.2f} (median of the pairs)")


def seconds(folder: Path, *words: str) -> float:
    """Wall time of a Python process. Raises where it failed."""
    path = os.pathsep.join(map(str, (ROOT / "harness", ROOT / "reports")))
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": path},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
