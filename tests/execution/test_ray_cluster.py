"""A Ray of this machine's own: where it listens, and what its workers import."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evenhand.execution.ray_cluster import _handlers_kept

ROOT = Path(__file__).parents[2]
SHADOWING = ("timm", "torch", "numpy", "yaml", "pandas", "harness", "evenhand_reports")
SCRIPT = """
import json, os, sys
sys.path = [path for path in sys.path if path not in ("", os.getcwd())]
import psutil
from evenhand.execution.ray_cluster import connect

with connect(None):
    import ray

    @ray.remote
    def imported():
        import timm, evenhand.execution.ray_tune
        return timm.__file__

    timm = ray.get(imported.remote())
    us = psutil.Process()
    sockets = [c for p in [us, *us.children(recursive=True)] for c in p.net_connections("inet")]
    found = {c.laddr.ip.removeprefix("::ffff:") for c in sockets if c.status == psutil.CONN_LISTEN}
print(json.dumps({"timm": timm, "listening": sorted(found)}))
"""


@pytest.fixture(scope="module")
def hostile_folder(tmp_path_factory) -> Path:
    """A folder with modules of the names of packages, each of which leaves a file when it runs."""
    folder: Path = tmp_path_factory.mktemp("downloads")
    for name in SHADOWING:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'executed')!r}, 'w').close()")
    return folder


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    sources = f"{ROOT / 'harness'}{os.pathsep}{ROOT / 'reports'}"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": sources},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def seen(hostile_folder) -> dict[str, Any]:
    done = run_in(hostile_folder, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_a_ray_of_this_machine_listens_on_localhost_alone(seen):
    assert seen["listening"] == ["127.0.0.1"]


def test_a_signal_during_the_start_of_ray_stops_as_ctrl_c_does():
    """Ray replaces the handler of SIGTERM by one that exits, and the start may take long."""
    told = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    before = signal.getsignal(signal.SIGTERM)

    def starting() -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt), _handlers_kept():
        starting()
    assert told == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is before


def test_workers_import_nothing_from_the_current_folder(seen, hostile_folder):
    assert Path(seen["timm"]).parent != hostile_folder
    assert not (hostile_folder / "executed").exists()


def test_the_command_line_imports_nothing_from_the_current_folder(hostile_folder):
    (hostile_folder / "mine.yaml").write_text(
        "suite: mine\nquestion: Is only this package run?\nproblems: [digits]\n"
        "recipe: {digits: {epochs: 1, schedule: constant}}\nseeds: 1\nmethods: [erm]\n"
        "metrics: [balanced_accuracy]\nprimary: balanced_accuracy\nbaseline: erm\n"
    )
    done = run_in(hostile_folder, "-m", "evenhand", "run", "mine.yaml", "--inline")

    assert done.returncode == 0, done.stderr
    assert not (hostile_folder / "executed").exists()
