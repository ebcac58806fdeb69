"""The image is made of pinned packages and of the files that a wheel needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / "docker/install.sh"


@pytest.fixture
def python(tmp_path) -> Path:
    """A Python that writes down what pip is to install in place of installing it."""
    path = tmp_path / "python"
    path.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = - ] && exec {sys.executable} "$@"\n'
        'for word in "$@"; do [ -f "$word" ] && cat "$word" || echo "$word"; done\n'
    )
    path.chmod(0o755)
    return path


def install(python: Path, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [str(INSTALL), str(python), *arguments]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_the_dependencies_are_those_of_the_package_and_of_an_extra(python):
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    printed = install(python, "dependencies", "cluster").stdout.splitlines()
    extra = project["optional-dependencies"]["cluster"]
    n = len(project["dependencies"]) + len(extra)
    assert printed[-n:] == [*project["dependencies"], *extra]
    assert "torch" not in install(python, "code", "--editable", ".").stdout.splitlines()[-1]


@pytest.mark.parametrize("arguments", [(), ("everything",)])
def test_a_call_without_a_part_prints_the_usage(python, arguments):
    result = install(python, *arguments)
    assert result.returncode == 2
    assert "write: docker/install.sh PYTHON dependencies" in result.stderr


def test_a_folder_without_constraints_is_refused(python, tmp_path):
    result = install(python, "code", ".", folder=tmp_path)
    assert result.returncode == 2
    assert f"no constraints.txt in {tmp_path}" in result.stderr


def test_every_package_of_the_dashboard_is_pinned():
    lines = (ROOT / "constraints.txt").read_text().split()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}
    needed = [Requirement(text) for text in requires("ray") or ()]
    names = {
        canonicalize_name(each.name)
        for each in needed
        if each.marker is not None and each.marker.evaluate({"extra": "default"})
    }
    assert "opencensus" in names
    assert names <= pinned


def test_the_files_of_the_image_are_enough_for_the_whole_package(tmp_path):
    ignored = (ROOT / "docker/Dockerfile.dockerignore").read_text().split("\n")
    context, skip = tmp_path / "context", shutil.ignore_patterns("__pycache__")
    for name in (line[1:] for line in ignored if line.startswith("!")):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, context / name, ignore=skip)
        else:
            shutil.copy(ROOT / name, context / name)
    assert (context / "docker/install.sh").is_file()
    # The image is built from a checkout without its history.
    (context / "harness/evenhand/COMMIT").write_text("0a1b\n")
    names = []
    for source in (ROOT, context):
        folder = tmp_path / f"wheel-{source.name}"
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=source, check=True, capture_output=True)
        [wheel] = folder.iterdir()
        names.append({n for n in zipfile.ZipFile(wheel).namelist() if "__pycache__" not in n})
    assert names[1] - names[0] == {"evenhand/COMMIT"}
    assert names[0] <= names[1]


def test_the_image_of_each_device_ends_as_a_user_without_privileges():
    text = (ROOT / "docker/Dockerfile").read_text()
    stages = re.split(r"^FROM (.*) AS (.*)$", text, flags=re.MULTILINE)
    assert stages[-3] == "${DEVICE}-dependencies"
    assert {"cpu-dependencies", "cuda-dependencies"} <= set(stages)
    assert "\nUSER 1000\n" in stages[-1]
