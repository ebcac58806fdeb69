"""Runs of the command line in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PARTS = ROOT / "tests/execution/parts.py"
SUITE = """
suite: long
question: Does it stop?
problems:
  - blobs: {{profile: exp, ratio: 4, n_max: 40}}
val: {{per_class: 10}}
recipe: {{quick: {{epochs: {epochs}}}}}
seeds: {seeds}
methods: [{methods}]
metrics: [balanced_accuracy]
primary: balanced_accuracy
"""
MAIN = "from evenhand.cli import main; main()"


def write_suite(folder: Path, *, epochs: int = 3, seeds: int = 1, methods: str = "erm") -> None:
    """Write `long.yaml`."""
    text = SUITE.format(epochs=epochs, seeds=seeds, methods=methods)
    text += f"baseline: {methods.partition(',')[0]}\n"
    (folder / "long.yaml").write_text(text)


def command(*arguments: str, before: str = "") -> list[str]:
    """A command line; `before` is Python code that runs first."""
    return [sys.executable, "-c", f"{before}\n{MAIN}", *arguments]


def run_command(*more: str, before: str = "") -> list[str]:
    """`evenhand run` of the suite."""
    return command("run", "long.yaml", "--plugin", str(PARTS), *more, before=before)


def start(arguments: list[str], folder: Path, **how: Any) -> subprocess.Popen[str]:
    """Start a command in a folder, as the first process of a session."""
    path = f"{ROOT / 'harness'}{os.pathsep}{ROOT / 'reports'}"
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
    return subprocess.Popen(
        arguments,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        text=True,
        start_new_session=True,
        **settings,
    )


def ended(process: subprocess.Popen[str], seconds: float = 200.0) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out or "", err or ""


def wait_for(folder: Path, pattern: str, seconds: float = 200.0) -> Path:
    """The first file that matches, once there is one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := sorted(folder.glob(pattern)):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} within {seconds:g} s")


def wait_for_event(run: subprocess.Popen[str], kind: str) -> None:
    """Read the events of `run --json` up to the first of a kind."""
    assert run.stdout is not None
    for line in run.stdout:
        if json.loads(line)["kind"] == kind:
            return
    raise AssertionError(f"no {kind}: {run.stderr.read() if run.stderr else ''}")
