"""The batch script `slurm.sh`, with stand-ins for the commands of Slurm, Ray and the harness."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docker/slurm.sh"
RUN = """
trap 'echo "saved" >>"$CALLS"; exit 130' USR1
echo "evenhand $*" >>"$CALLS"
[ -n "${ENDS_WITH:-}" ] && exit "$ENDS_WITH"
while :; do sleep 0.05; done
"""
SRUN = """
echo "srun $RAY_AUTH_MODE $RAY_AUTH_TOKEN" >>"$CALLS"
echo "srun: error" >&2
exec sleep 60
"""
PROGRAMS = {
    "hostname": "echo 127.0.0.1",
    "python3": 'case "$1" in -c) echo secret ;; *) cat >/dev/null; sleep "${JOINING:-0}" ;; esac',
    "srun": SRUN,
    "squeue": 'echo "$STATE"',
    "scontrol": 'echo "scontrol $1" >>"$CALLS"; echo "PreemptTime=$PREEMPT_TIME"',
    "evenhand": RUN,
}


@dataclass
class Slurm:
    """A job of one node, whose head listens."""

    folder: Path
    job: int

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        variables = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "CALLS": str(self.folder / "calls"),
            "SLURM_JOB_ID": str(self.job),
            "SLURM_JOB_NUM_NODES": "1",
            "STATE": "RUNNING",
            "PREEMPT_TIME": "None",
        }
        with (self.folder / "output").open("w") as output:
            return subprocess.Popen(
                ["bash", str(SCRIPT), *arguments],
                cwd=self.folder,
                env=variables | environment,
                stdout=output,
                stderr=output,
                text=True,
            )

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def signal_after(
        self, program: str, job: subprocess.Popen[str], number: signal.Signals
    ) -> None:
        until = time.monotonic() + 30
        while not any(call.startswith(program) for call in self.calls()):
            assert time.monotonic() < until
            time.sleep(0.02)
        job.send_signal(number)


@pytest.fixture
def slurm(tmp_path):
    for name, text in PROGRAMS.items():
        path = tmp_path / name
        path.write_text(f"#!/usr/bin/env bash\n{text}\n")
        path.chmod(0o755)
    job, server = next(filter(None, map(head, range(1, 5000))))
    with server:
        yield Slurm(tmp_path, job)


def head(job: int) -> tuple[int, socket.socket] | None:
    """A job whose port is free, and a socket that listens there; None where it is taken."""
    try:
        return job, socket.create_server(("127.0.0.1", port(job)))
    except OSError:
        return None


def port(job: int) -> int:
    """Port of the head of a job."""
    return 20000 + 2 * job


def test_a_run_gets_the_arguments_and_gives_its_exit_code(slurm):
    job = slurm.start("suite.yaml", "--results", "out folder", ENDS_WITH="1")
    assert job.wait(30) == 1
    address = f"127.0.0.1:{port(slurm.job)}"
    assert f"evenhand run suite.yaml --results out folder --address {address}" in slurm.calls()
    assert "srun token secret" in slurm.calls()
    assert not any(call.startswith("scontrol") for call in slurm.calls())
    # Slurm ends the nodes of Ray after each run, which is no error of the run.
    assert (slurm.folder / "output").read_text() == ""
    assert (slurm.folder / f"evenhand-{slurm.job}-ray.log").read_text() == "srun: error\n"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_signal_stops_the_run_and_puts_the_job_back_into_the_queue(slurm, number):
    job = slurm.start("suite.yaml")
    slurm.signal_after("evenhand", job, number)
    assert job.wait(30) == 130
    assert slurm.calls()[-2:] == ["saved", "scontrol requeue"]


def test_a_signal_before_the_run_has_begun_puts_the_job_back_without_it(slurm):
    job = slurm.start("suite.yaml", JOINING="1")
    slurm.signal_after("srun", job, signal.SIGUSR1)
    assert job.wait(30) == 130
    assert [call for call in slurm.calls() if not call.startswith("srun")] == ["scontrol requeue"]


def test_a_cancelled_job_saves_its_states_and_is_not_put_back(slurm):
    job = slurm.start("suite.yaml", STATE="COMPLETING")
    slurm.signal_after("evenhand", job, signal.SIGTERM)
    assert job.wait(30) == 130
    assert slurm.calls()[-1] == "saved"


def test_a_job_whose_ray_ends_is_put_back_only_where_it_is_pre_empted(slurm):
    assert slurm.start("suite.yaml", ENDS_WITH="3").wait(30) == 3
    assert "scontrol requeue" not in slurm.calls()
    job = slurm.start("suite.yaml", ENDS_WITH="3", PREEMPT_TIME="2026-11-28T15:15:58")
    assert job.wait(30) == 3
    assert slurm.calls()[-1] == "scontrol requeue"


def test_a_job_without_a_suite_prints_what_to_write(slurm):
    job = slurm.start()
    assert job.wait(30) == 2
    assert (
        "write: sbatch docker/slurm.sh SUITE --results FOLDER"
        in (slurm.folder / "output").read_text()
    )
