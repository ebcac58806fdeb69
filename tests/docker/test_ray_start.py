"""The nodes that the files of docker/ start: their options, their ports, and who may reach them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml
from ray.scripts.scripts import start

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
UNITS = sorted((DOCKER / "systemd").iterdir())
FILLED = {r"\$\{?\w+(:-\w+)?\}?": "1", r"\$\(\(.*?\)\)": "1"}
"""Variables of a shell, and what stands for them where options are read."""


def ray_starts() -> list[str]:
    """Every `ray start` of the files, as one line each."""
    slurm = (DOCKER / "slurm.sh").read_text().replace("\\\n", " ")
    shared = " ".join(re.findall(r"shared\+?=\((.*)\)", slurm))
    lines = re.findall(r"exec (ray start.*)", slurm)
    found = [line.replace('"${shared[@]}"', shared) for line in lines]
    found += [COMPOSE[name]["command"] for name in ("head", "worker")]
    unit = (DOCKER / "systemd/evenhand-ray.service").read_text()
    [line] = re.findall(r"^ExecStart=/opt/evenhand/bin/(ray start.*)$", unit, re.MULTILINE)
    for options in re.findall(r'RAY_START="(.*?)"', unit.replace("\n# ", " ")):
        found.append(line.replace("$RAY_START", options))
    return found


def test_six_commands_start_a_node():
    assert len(ray_starts()) == 6


@pytest.mark.parametrize("command", ray_starts())
def test_ray_has_the_options_of_each_start_and_blocks(command):
    for pattern, value in FILLED.items():
        command = re.sub(pattern, value, command)
    context = start.make_context("start", shlex.split(command)[2:])
    assert context.params["block"]
    assert context.params["head"] == (context.params["address"] is None)


def test_compose_publishes_ports_on_this_machine_alone_and_demands_a_token():
    published = [port for service in COMPOSE.values() for port in service.get("ports", ())]
    assert "127.0.0.1:8265:8265" in published
    assert all(port.startswith("127.0.0.1:") for port in published)
    for name in ("head", "worker"):
        environment = COMPOSE[name]["environment"]
        assert environment["RAY_AUTH_MODE"] == "token"
        assert environment["RAY_AUTH_TOKEN"].startswith("${RAY_AUTH_TOKEN:?")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_finds_no_mistake_in_the_units(tmp_path):
    scripts = sysconfig.get_path("scripts")
    for unit in UNITS:
        text = unit.read_text().replace("/opt/evenhand/bin", scripts)
        (tmp_path / unit.name).write_text(text.replace("User=evenhand", "User=root"))
    command = ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_a_stop_of_a_unit_signals_its_main_process_alone_and_waits_for_it():
    for unit, signal, least in zip(UNITS, ("SIGTERM", "SIGUSR1"), (30, 25), strict=True):
        text = unit.read_text()
        assert "\nKillMode=mixed\n" in text
        assert f"\nKillSignal={signal}\n" in text
        [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
        assert int(seconds) > least
