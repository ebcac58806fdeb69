"""The place of one schedule: a cluster, a store, a suite, and the runs of `evenhand` on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evenhand.execution.ray_early_end import TRAINABLE
from evenhand.store import Store
from tests.faults.nodes import NETWORK, PREFIX, ROOT, Cluster, Program, tool
from tests.faults.schedules import ROWS, Fault, Schedule

PLUGIN = ROOT / "tests/faults/parts.py"
IDLE = ("ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Processes of every node of Ray."""
PACE = 0.05
SIZE = 64_000_000
"""Bytes of the file system of the store."""
SUITE = """
suite: campaign
question: Does anything get lost?
problems:
  - campaign_blobs: {{profile: exp, ratio: 4, n_max: 40}}
val: {{per_class: 10}}
recipe: campaign_quick
seeds: {seeds}
methods:
{rows}
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: erm
"""


def write_suite(path: Path, n_seeds: int) -> None:
    """Write a suite with the rows of the campaign and a number of seeds."""
    rows = "\n".join(f"  - {row}" for row in ROWS)
    path.write_text(SUITE.format(seeds=n_seeds, rows=rows))


@dataclass
class Run:
    """One process of `evenhand run`."""

    process: subprocess.Popen[bytes]
    output: Path
    faults: list[Fault] = field(default_factory=list)
    """What was hit while it ran."""
    causes: list[str] = field(default_factory=list)
    """Causes of the failed records after it."""
    is_second: bool = False

    @property
    def code(self) -> int | None:
        """Exit code; None while it runs."""
        return self.process.poll()

    @property
    def text(self) -> str:
        """What it has printed, without the folders of this machine."""
        text = self.output.read_text(errors="replace")
        return text.replace(f"{self.output.parent}/", "").replace(f"{ROOT}/", "")


class World:
    """Everything that a schedule may hit, in a folder of its own."""

    def __init__(self, schedule: Schedule, folder: Path, *, isolated: bool, limited: bool) -> None:
        self.schedule = schedule
        self.folder = folder
        self.undo: list[tuple[float, Callable[[], None]]] = []
        """What ends a fault, with the time at which it is due."""
        self.runs: list[Run] = []
        for name in ("traps", "bare"):
            (folder / name).mkdir()
        self.journal_file = folder / "journal"
        self.root = self._mounted(folder / "store", isolated=isolated) / "results"
        self.cluster = Cluster(
            folder,
            isolated=isolated,
            limited=limited,
            settings={
                f"{PREFIX}JOURNAL": str(self.journal_file),
                f"{PREFIX}TRAPS": str(folder / "traps"),
                f"{PREFIX}PACE": str(PACE),
                # A trial that waits for object storage, or takes memory, does not hang.
                f"{PREFIX}STALL": "90" if schedule.objects or limited else "10",
                "AWS_ACCESS_KEY_ID": "campaign",
                "AWS_SECRET_ACCESS_KEY": "campaign",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )
        os.environ.update({k: v for k, v in self.cluster.settings.items() if k.startswith("AWS")})
        self.objects: subprocess.Popen[bytes] | None = None
        self.location = self._objects() if schedule.objects else str(self.root)
        self.suite = folder / "campaign.yaml"
        write_suite(self.suite, schedule.n_seeds)
        self.n_trials = schedule.n_seeds * len(ROWS)

    def _mounted(self, place: Path, *, isolated: bool) -> Path:
        """A folder that is a small file system of its own, which can be full or read-only."""
        place.mkdir()
        if isolated:
            tool("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place))
        return place

    def _objects(self) -> str:
        """Start an object storage; the URL of the store in it."""
        host = f"{NETWORK}.254" if self.cluster.isolated else "127.0.0.1"
        code = (
            "import sys, moto.server as server; "
            f"server.main(['-H', {host!r}, '-p', {str(self.cluster.port + 1)!r}])"
        )
        with (self.folder / "objects.log").open("w") as log:
            self.objects = subprocess.Popen(
                [sys.executable, "-c", code],
                stdout=log,
                stderr=log,
                env=self.cluster.environment(""),
                start_new_session=True,
            )
        where = f"{host}:{self.cluster.port + 1}"
        query = f"scheme=http&endpoint_override={where}&region=us-east-1"
        from pyarrow import fs

        until = time.monotonic() + 60
        while True:
            time.sleep(1)
            with suppress(OSError):
                made = fs.FileSystem.from_uri(f"s3://records?{query}&allow_bucket_creation=true")
                made[0].create_dir("records")
                return f"s3://records/campaign?{query}"
            if time.monotonic() > until:
                raise OSError(f"the object storage at {where} does not answer")

    def begin(self, n_nodes: int = 3) -> None:
        """Start the cluster."""
        self.cluster.start("1", cpus=self.schedule.head_cpus)
        self.cluster.wait_for(1)
        for number in range(2, n_nodes + 1):
            self.cluster.start(str(number))
        self.cluster.wait_for(n_nodes)

    def start_run(self, *options: str, inline: bool = False, is_second: bool = False) -> Run:
        """Start `evenhand run` on the head's machine."""
        words = [sys.executable, "-P", "-m", "evenhand", "run", str(self.suite)]
        words += ["--plugin", str(PLUGIN), "--results", self.location]
        words += ["--inline"] if inline else ["--address", self.cluster.address]
        # Nothing ends an inline run that hangs but the user.
        more = {f"{PREFIX}TRAPS": ""} if inline else {}
        output = self.folder / f"run-{len(self.runs)}.txt"
        with output.open("w") as stream:
            process = subprocess.Popen(
                self.cluster.on_node("1", [*words, *options]),
                env=self.cluster.environment("1", **more),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=self.folder / "bare",
            )
        run = Run(process, output, is_second=is_second)
        self.runs.append(run)
        return run

    def journal(self) -> list[dict[str, Any]]:
        """The lines of the journal so far."""
        if not self.journal_file.exists():
            return []
        lines = self.journal_file.read_bytes().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]

    def done(self) -> int:
        """Number of trials with a record that says done, by the journal."""
        lines = self.journal()
        return len({x["key"] for x in lines if x.get("status") == "done"})

    def workers(self) -> list[Program]:
        """The processes that train."""
        return [p for p in self.cluster.programs() if p.words.startswith(f"ray::{TRAINABLE}")]

    def of_runs(self) -> list[Program]:
        """The processes of runs, and of Ray on their behalf."""
        found = [
            program for program in self.cluster.programs() if not program.words.startswith(IDLE)
        ]
        return [p for p in found if p.words.startswith("ray::") or "-m evenhand run" in p.words]

    def later(self, seconds: float, undo: Callable[[], None]) -> None:
        """End a fault after some seconds, or before the next run is started."""
        self.undo.append((time.monotonic() + seconds, undo))

    def heal(self, *, all_: bool = False) -> None:
        """End the faults that are due, or all of them."""
        now = time.monotonic()
        due = [entry for entry in self.undo if all_ or entry[0] <= now]
        for entry in due:
            self.undo.remove(entry)
            entry[1]()

    def trapped(self) -> Sequence[Path]:
        """The traps that no trial has fallen into."""
        return sorted((self.folder / "traps").glob("*.set"))

    def open_store(self) -> Store:
        """The store of the runs."""
        return Store.open(self.location)

    def close(self) -> list[Program]:
        """End everything; the programs that could not be ended."""
        self.heal(all_=True)
        for run in self.runs:
            if run.code is None:
                with suppress(ProcessLookupError):
                    os.killpg(run.process.pid, signal.SIGKILL)
                run.process.wait()
        left = self.cluster.close()
        if self.objects is not None:
            self.objects.kill()
            self.objects.wait()
        if self.cluster.isolated:
            tool("umount", "-l", str(self.folder / "store"), check=False)
        return left
