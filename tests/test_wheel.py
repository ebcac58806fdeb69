"""The wheel claims two names, carries what a run needs, and works from any directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import evenhand as package

ROOT = Path(__file__).parents[1]
OTHERS = ("harness", "reports")
"""Names of the source roots, which other people's packages and folders have, too."""


def build(source: Path, target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel) -> Path:
    """The bin folder of a new environment that holds the wheel beside other packages.

    The packages that Evenhand needs are lent by a path: the checkout is not on it, and installing
    5 GB again would prove nothing about the wheel.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    [site] = (folder / "lib").glob("python*/site-packages")
    for name in OTHERS:
        somebody_elses_package(site, name)
    install = [str(folder / "bin/python"), "-m", "pip", "install", "-q", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def crowded(tmp_path) -> Path:
    """A directory with packages `harness` and `reports` of its own."""
    for name in OTHERS:
        somebody_elses_package(tmp_path, name)
    return tmp_path


def somebody_elses_package(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text(f"raise RuntimeError({name!r})\n")


def run(installed: Path, folder: Path, program: str, *arguments: str) -> str:
    """What a program of the environment prints in a directory whose packages come first."""
    done = subprocess.run(
        [str(installed / program), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_claims_two_names(wheel):
    tops = {name.partition("/")[0] for name in contents(wheel)}
    info = f"evenhand-{package.__version__}.dist-info"
    assert tops == {"evenhand", "evenhand_reports", info}


def test_the_wheel_carries_types_and_no_pictures(wheel):
    names = contents(wheel).keys()
    assert {"evenhand/py.typed", "evenhand_reports/py.typed"} <= names
    assert not [name for name in names if name.endswith(".png")]


def test_the_source_distribution_builds_the_same_wheel(wheel, tmp_path):
    sdist = build(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [source] = (tmp_path / "unpacked").iterdir()
    assert contents(build(source, "wheel", tmp_path / "again")) == contents(wheel)


def test_one_version_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == citation["version"] == package.__version__
    assert citation["license"] == project["license"]
    assert citation["repository-code"] == project["urls"]["Homepage"]
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()


def test_the_installed_command_lists_suites_from_any_directory(installed, crowded):
    where = run(installed, crowded, "python", "-c", "import evenhand; print(evenhand.__file__)")
    assert where.startswith(str(installed.parent))
    listed = json.loads(run(installed, crowded, "evenhand", "list", "suites", "--json"))
    ours = sorted(path.stem for path in (ROOT / "suites").glob("*.yaml"))
    assert [row["name"] for row in listed] == ours
    plan = json.loads(run(installed, crowded, "evenhand", "plan", "quickstart", "--json"))
    assert plan["missing"] == 30


def test_the_installed_command_writes_starting_points(installed, crowded):
    assert "wrote mine/mine.py" in run(installed, crowded, "evenhand", "new", "metric", "mine")


def test_the_installed_package_trains_and_reports(installed, crowded):
    part = ("quickstart", "--only", "method=erm,seed=0")
    run(installed, crowded, "evenhand", "run", *part, "--inline")
    run(installed, crowded, "evenhand", "report", *part)
    assert (crowded / "report/quickstart-part/index.html").stat().st_size > 1_000_000


def test_installing_leaves_other_packages_as_they_were(installed):
    [site] = (installed.parent / "lib").glob("python*/site-packages")
    for name in OTHERS:
        assert [path.name for path in (site / name).glob("*.py")] == ["__init__.py"]
        assert (site / name / "__init__.py").read_text() == f"raise RuntimeError({name!r})\n"


def test_the_wheel_carries_the_papers_numbers_and_references(installed, tmp_path):
    script = (
        "from evenhand_reports.papers import protocols, published;"
        "from importlib.resources import files;"
        "rows = [row for row in published.rows() if protocols.protocol_of(row)];"
        "print(len(rows), (files('evenhand') / 'references.bib').is_file())"
    )
    n, bib = run(installed, tmp_path, "python", "-c", script).split()
    assert int(n) >= 499
    assert bib == "True"
