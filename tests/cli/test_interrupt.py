"""Ctrl-C in the middle of a run on Ray: finished trials are kept, and the same command resumes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ROOT / "tests/execution/parts.py"
COMMAND = [sys.executable, "-c", "from evenhand.cli import main; main()"]
SUITE = """
suite: long
question: Does it stop?
problems:
  - blobs: {profile: exp, ratio: 4, n_max: 40}
val: {per_class: 10}
recipe: {quick: {epochs: 40}}
seeds: 60
methods: [slow]
metrics: [balanced_accuracy]
primary: balanced_accuracy
baseline: slow
"""


def command(name: str, *more: str) -> list[str]:
    return [*COMMAND, name, "long.yaml", "--plugin", str(PARTS), *more]


def plan(folder: Path) -> dict[str, int]:
    shown = subprocess.run(
        command("plan", "--json"), cwd=folder, env=environment(), check=True, capture_output=True
    )
    return dict(json.loads(shown.stdout))


def environment(pace: float = 0.0) -> dict[str, str]:
    """The environment of a command; pace: seconds that a step takes."""
    path = f"{ROOT / 'harness'}{os.pathsep}{ROOT / 'reports'}"
    return os.environ | {"PYTHONPATH": path, "EVENHAND_TEST_PACE": str(pace)}


def test_ctrl_c_on_ray_keeps_finished_trials_and_the_same_command_resumes(tmp_path):
    (tmp_path / "long.yaml").write_text(SUITE)
    statuses: list[str] = []
    with subprocess.Popen(
        command("run", "--json"),
        cwd=tmp_path,
        # A trial takes longer than a worker needs to see the stop.
        env=environment(pace=0.04),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As in a terminal, where the whole foreground group gets the signal.
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        for line in run.stdout:
            statuses += [status] if (status := json.loads(line).get("status")) else []
            if len(statuses) == 3 and status:
                # Twice, as an impatient person does.
                os.killpg(run.pid, signal.SIGINT)
                time.sleep(0.3)
                os.killpg(run.pid, signal.SIGINT)
        said = run.stderr.read()

    assert run.returncode == 130, said
    assert "rerun the same command" in said
    assert "Traceback" not in said
    after = plan(tmp_path)
    done = after["done"]
    assert 3 <= done < 60
    assert after["failed"] == 0
    assert "interrupted" in statuses

    again = subprocess.run(
        command("run", "--json", "--inline", "--only", "seed=0..5"),
        cwd=tmp_path,
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    starts = [e for e in map(json.loads, again.stdout.splitlines()) if e["kind"] == "started"]
    assert len(starts) <= 6 - 3
    assert plan(tmp_path)["done"] == done + len(starts)
