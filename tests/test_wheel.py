"""The wheel carries suites, templates and published data, and works from any directory."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The bin folder of a new environment that holds the wheel.

    The packages that Evenhand needs are lent by a path: the checkout is not on it, and installing
    5 GB again would prove nothing about the wheel.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = folder.glob("evenhand-*.whl")
    venv.create(folder / "env", with_pip=True)
    bin_folder = folder / "env" / "bin"
    install = [str(bin_folder / "python"), "-m", "pip", "install", "-q", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    [site] = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return bin_folder


def evenhand(installed: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(installed / "evenhand"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_command_lists_suites_from_any_directory(installed, tmp_path):
    where = [str(installed / "python"), "-c", "import evenhand; print(evenhand.__file__)"]
    where_is = subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert str(installed.parent) in where_is.stdout

    listed = json.loads(evenhand(installed, tmp_path, "list", "suites", "--json"))
    ours = sorted(path.stem for path in (ROOT / "suites").glob("*.yaml"))
    assert [row["name"] for row in listed] == ours
    plan = json.loads(evenhand(installed, tmp_path, "plan", "quickstart", "--json"))
    assert plan["missing"] == 30


def test_the_installed_package_trains_and_reports(installed, tmp_path):
    part = ("quickstart", "--only", "method=erm,seed=0")
    evenhand(installed, tmp_path, "run", *part, "--inline")
    evenhand(installed, tmp_path, "report", *part)
    assert (tmp_path / "report/quickstart/index.html").stat().st_size > 1_000_000


def test_the_wheel_carries_the_papers_numbers_and_references(installed, tmp_path):
    script = (
        "from evenhand_reports.papers import published; from importlib.resources import files;"
        "print(len(published.rows()), (files('evenhand') / 'references.bib').is_file())"
    )
    done = subprocess.run(
        [str(installed / "python"), "-c", script],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    n, bib = done.stdout.split()
    assert int(n) >= 499
    assert bib == "True"
