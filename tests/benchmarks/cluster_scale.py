"""Cost of thousands of trials on a simulated cluster: the driver's memory and time, and a resume.

    python tests/benchmarks/cluster_scale.py [--trials 5000] [--nodes 8] [--gpus 8]
        [--gpus-per-trial 0.25] [--seconds 5]

Real: Ray with one raylet for each node, Ray Tune, the driver (`evenhand run --address`), one worker
process for each trial at a time, placing, leases, events, preparation of the data, and the store.
Simulated: the GPUs, which Ray only counts; the check of a node, which writes the probe and nothing
else; and training, which sleeps. A worker does not import torch, because 256 processes with torch
take more than 100 GB. All processes share this machine, so that the time of a trial on the wall is
that of its own CPU work, too; the CPU time and the memory of the driver are what a cluster has.

The driver is ended by SIGKILL when half of the trials have a record, and a second one resumes the
run. Its time to resume ends when one of its workers holds a lease. At the end every trial must have
one record. The last line is the row of the table in `docs/explanation/scale.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = map(str, (ROOT, ROOT / "harness", ROOT / "reports"))

import psutil

from evenhand.execution.ray_early_end import TRAINABLE
from evenhand.store import Store

SUITE = """
suite: cluster-scale
question: What does a trial cost the driver of a cluster?
problems:
  - digits: {profile: exp, ratio: 10}
val: {per_class: 10}
recipe: digits
seeds: %d
methods: [erm, la, vs, cdt, cb, wce, focal, ldam, crt, {la: {tau: 2.0}}]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""
METHODS = 10
NO_OP = """
import sys, time
from types import ModuleType, SimpleNamespace

SECONDS = %r


def module(name, **content):
    sys.modules[name] = found = ModuleType(name)
    vars(found).update(content)


def train(*args, **kwargs):
    from evenhand.declared.record import Cost
    from evenhand.train.result import TrainingResult

    time.sleep(SECONDS)
    return TrainingResult((), {}, Cost())


if sys.argv[0].endswith("default_worker.py"):
    from evenhand.execution import execute, saving

    execute.device_of = lambda **_: SimpleNamespace(type="cpu")
    execute.gpu_facts = lambda _: {"device": "cuda", "gpu": "H100"}
    module("torch", __version__="none", Tensor=type)
    module("ray.air._internal.torch_utils", contains_tensor=lambda *_: False)
    module("evenhand.train.engine", train=train, TrainOptions=SimpleNamespace)
    module("evenhand.train.hardware", runs_in_bf16=lambda *_: False)
    saved = lambda **_: SimpleNamespace(seconds=0.0, resumed=None)
    module("evenhand.train.resume", LEAST_SECONDS=30.0, Resumable=saved)
"""
LOOK_SECONDS = 0.5
NODE_SECONDS = 120.0
MIB = 2**20


def check_fake_node(expected: Any, node: str) -> Any:
    """The probe of a node's check, without the imports of torch."""
    from evenhand.execution.node_checks import Findings
    from evenhand.execution.provenance import Gpu

    expected.store.probe(node)
    return Findings([], None, Gpu("H100", 80.0))


def drive() -> None:
    """Be the driver: the command line, with the check of a node replaced."""
    from evenhand.cli import main
    from evenhand.execution import ray_nodes

    ray_nodes.check_node = check_fake_node  # type: ignore[attr-defined]
    main()


@contextlib.contextmanager
def cluster(options: argparse.Namespace) -> Iterator[str]:
    """Address of a cluster with a head that trains nothing and nodes with fake GPUs."""
    from ray.cluster_utils import Cluster

    os.environ |= {"RAY_enable_worker_prestart": "0", "PYTHONPATH": str(ROOT / "harness")}
    small = {"object_store_memory": 80 * MIB, "include_dashboard": False}
    head = {"num_cpus": 0, **small}
    found = Cluster(initialize_head=True, head_node_args=head)  # type: ignore[no-untyped-call]
    slots = round(options.gpus / options.gpus_per_trial)
    try:
        for _ in range(options.nodes):
            found.add_node(num_cpus=slots, num_gpus=options.gpus, **small)
        found.wait_for_nodes(NODE_SECONDS)
        yield found.address
    finally:
        found.shutdown()


@dataclass
class Driver:
    """A driver that runs, with what was read of it so far."""

    folder: Path
    process: subprocess.Popen[bytes]
    began: float = field(default_factory=time.monotonic)
    points: list[tuple[int, float, float]] = field(default_factory=list)
    """Number of records, seconds since the start and CPU seconds, at each look."""
    peak_mib: float = 0.0
    workers: int = 0
    """Largest number of worker processes."""
    worker_mib: float = 0.0
    """Memory that one of them does not share with any other process."""

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder: Path, address: str, options: argparse.Namespace) -> Iterator[Driver]:
        """Start a driver, which is ended by SIGKILL at the end of a `with` block."""
        words = ["run", "suite.yaml", "--address", address, "--plugin", "no_op.py"]
        words += ["--gpus-per-trial", str(options.gpus_per_trial)]
        path = os.pathsep.join(map(str, (ROOT / "harness", ROOT / "reports")))
        with (folder / "output").open("ab") as out:
            command = [sys.executable, __file__, "--as-driver", *words]
            environment = os.environ | {"PYTHONPATH": path}
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=out)
        try:
            yield cls(folder, process)
        finally:
            process.kill()
            process.wait()

    def look(self) -> int:
        """Read the state of the driver; the number of records."""
        with contextlib.suppress(OSError, psutil.Error, IndexError):
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            self.peak_mib = int(status.split("VmHWM:")[1].split()[0]) / 1024
            times = psutil.Process(self.process.pid).cpu_times()
            passed = time.monotonic() - self.began
            self.points.append((n_records(self.folder), passed, times.user + times.system))
        return self.points[-1][0] if self.points else 0

    def look_at_workers(self) -> None:
        """Count the workers, and read the memory of the oldest of them."""
        found = [each for each in psutil.Process().children(recursive=True) if is_worker(each)]
        if len(found) > self.workers:
            self.workers = len(found)
            with contextlib.suppress(psutil.Error):
                self.worker_mib = found[0].memory_full_info().uss / MIB

    def cost(self, first: int, last: int) -> tuple[float, float]:
        """Milliseconds a trial on the wall and of the driver's CPU, between two counts."""
        begin = next(point for point in self.points if point[0] >= first)
        end = next((point for point in self.points if point[0] >= last), self.points[-1])
        n = max(1, end[0] - begin[0])
        return 1e3 * (end[1] - begin[1]) / n, 1e3 * (end[2] - begin[2]) / n


def is_worker(process: psutil.Process) -> bool:
    """Whether a process runs trials."""
    with contextlib.suppress(psutil.Error):
        # Linux keeps the first 15 characters of a name.
        return process.name().startswith(f"ray::{TRAINABLE}"[:15])
    return False


def n_records(folder: Path) -> int:
    """Number of records, which are in folders of their own."""
    place = folder / "results" / "main"
    if not place.exists():
        return 0
    return sum((each / "record.json").exists() for each in place.iterdir())


def runs(folder: Path) -> set[str]:
    """Identities of the runs that hold leases."""
    return {lease.run for lease in Store.open(folder / "results").leases.all().values()}


def until_half(driver: Driver, options: argparse.Namespace) -> None:
    """Wait until half of the trials have a record. Raises where the driver ends before."""
    looked = 0.0
    while driver.look() < options.trials // 2:
        if time.monotonic() - looked > 10:
            looked = time.monotonic()
            driver.look_at_workers()
        if driver.process.poll() is not None:
            raise RuntimeError((driver.folder / "output").read_text()[-2000:])
        time.sleep(LOOK_SECONDS)


def resumed_after(driver: Driver, before: set[str]) -> float:
    """Seconds from the start of a driver until one of its workers holds a lease."""
    while not runs(driver.folder) - before:
        if driver.process.poll() is not None:
            raise RuntimeError((driver.folder / "output").read_text()[-2000:])
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - driver.began


def finish(driver: Driver) -> float:
    """Wait for the end of a driver; its CPU seconds. Raises where it fails."""
    while driver.process.poll() is None:
        driver.look()
        time.sleep(1.0)
    if driver.process.returncode:
        raise RuntimeError((driver.folder / "output").read_text()[-2000:])
    return driver.points[-1][2]


def check(folder: Path, trials: int) -> int:
    """Check that every trial has one record that is done; the largest number of attempts."""
    records = Store.open(folder / "results").records()
    assert len(records) == len({record.key for record in records}) == trials, len(records)
    assert all(record.exit.status == "done" for record in records)
    return max(record.attempts for record in records)


def measure(folder: Path, options: argparse.Namespace) -> None:
    (folder / "suite.yaml").write_text(SUITE % (options.trials // METHODS))
    (folder / "no_op.py").write_text(NO_OP % options.seconds)
    with cluster(options) as address:
        with Driver.started(folder, address, options) as first:
            until_half(first, options)
        before = runs(folder)
        with Driver.started(folder, address, options) as second:
            resumed = resumed_after(second, before)
            cpu = finish(second)
    attempts = check(folder, options.trials)
    half, at_once = options.trials // 2, first.workers
    for quarter in range(4):
        bounds = [at_once + (half - at_once) * i // 4 for i in (quarter, quarter + 1)]
        wall, own = first.cost(*bounds)
        print(f"records {bounds[0]} to {bounds[1]}: {wall:.1f} ms wall, {own:.1f} ms driver CPU")
    wall, own = first.cost(at_once, half)
    print(
        f"most workers at once: {at_once}, {first.worker_mib:.0f} MiB each; second driver: "
        f"{cpu:.1f} CPU s, {second.peak_mib:.0f} MiB; most attempts of a trial: {attempts}"
    )
    print(f"load of the machine: {os.getloadavg()[1]:.1f} over 5 minutes")
    name = f"{options.trials:,} trials, {options.nodes} × {options.gpus} GPUs, {at_once} at once"
    print(f"| {name} | {first.peak_mib:.0f} MiB | {own:.1f} ms | {wall:.1f} ms | {resumed:.1f} s |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5_000)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--gpus", type=int, default=8, help="of each node")
    parser.add_argument(
        "--gpus-per-trial", type=float, default=0.25, help="a worker takes about 130 MiB of memory"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="time of a trial's training")
    options = parser.parse_args()
    assert options.trials % METHODS == 0, f"a multiple of {METHODS} trials"
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--as-driver"]:
        del sys.argv[1]
        drive()
    else:
        main()
