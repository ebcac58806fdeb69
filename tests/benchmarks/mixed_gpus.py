"""Time of a run on two nodes with GPUs of different speed, with and without regard to the speed.

    python tests/benchmarks/mixed_gpus.py --trials 18 --pace 0.2 --ratio 4

Each node has a fake GPU that two trials share; their steps sleep, `ratio` times as long on the slow
node. Once trials are placed by their expected end, and once on any free GPU, as where all GPUs are
of one model. The seconds from the start of the first trial to the end of the last one are printed.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from pathlib import Path

import pytest

from evenhand.declared.plugin import Plugin
from evenhand.execution.execute import Execution
from evenhand.execution.measured import Measured
from evenhand.execution.node_places import Node
from evenhand.execution.plan import make_plan
from evenhand.execution.ray_tune import on_ray
from evenhand.execution.resources import Resources
from evenhand.execution.retries import RunTracker, run_plan
from evenhand.store import Store
from evenhand.suite.resolve import open_suite
from tests.execution import fake_gpus
from tests.execution.conftest import PARTS, SUITE


def main() -> None:
    """Run both ways, each on a cluster of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=18)
    parser.add_argument("--pace", type=float, default=0.2)
    parser.add_argument("--ratio", type=float, default=4.0)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    for by_speed in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not by_speed:
                patch.setattr(Node, "model", "")
            seconds, fast = run(args, patch)
        what = "by the expected end" if by_speed else "on any free GPU"
        print(f"{what}: {seconds:.1f} s, {fast} of {args.trials} trials on the fast node")


def run(args: argparse.Namespace, patch: pytest.MonkeyPatch) -> tuple[float, int]:
    """Seconds of a run, and the number of trials on the fast node."""
    node = {"num_cpus": 2, "num_gpus": 1}
    nodes = [
        node | {"gpu": "T4:16", "pace": args.pace * args.ratio},
        node | {"gpu": "H100:80", "pace": args.pace},
    ]
    times: list[float] = []
    folder = Path(tempfile.mkdtemp())
    parts = Plugin.read(PARTS)
    parts.load()
    text = SUITE.format(seeds=args.trials, methods="slow", baseline="slow")
    (folder / "small.yaml").write_text(text)
    suite, store = open_suite(str(folder / "small.yaml")), Store.open(folder / "r")
    store.check_writable()
    plan, execution = make_plan(suite, store), Execution()
    tracker = RunTracker(lambda event: times.append(time.monotonic()) if event.key else None)
    with (
        fake_gpus.fake_cluster(patch, *nodes) as (address, _),
        on_ray(
            plan.missing,
            execution,
            store,
            tracker,
            address=address,
            resources=Resources(gpus=0.5),
            measured=Measured(),
            plugins=(Plugin.read(fake_gpus.__file__), parts),
        ) as runner,
    ):
        run_plan(plan, execution, store, tracker, runner)
    done = [record for record in store.records() if record.exit.status == "done"]
    assert len(done) == args.trials, [r.exit for r in store.records()]
    return times[-1] - times[0], sum(r.provenance.gpu == "H100" for r in done)


if __name__ == "__main__":
    main()
