"""`evenhand new`: every starting point is valid, passes its own test and can be trained."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evenhand.cli.new import Made
from evenhand.errors import EvenhandError, SpecError
from tests.cli.test_commands import evenhand

ROOT = Path(__file__).parents[2]
PARTS = [kind for kind in Made if kind is not Made.suite]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def trained(suite: Path, only: str, *options: str) -> int:
    """Number of trials that are done after a run of two epochs instead of the suite's."""
    text = suite.read_text()
    suite.write_text(re.sub(r"epochs: \d+", "epochs: 2, schedule: constant", text))
    assert suite.read_text() != text
    evenhand("run", str(suite), "--inline", "--only", only, *options)
    return int(json.loads(evenhand("status", str(suite), "--json", *options))["done"])


def test_a_suite_is_valid_and_trains():
    said = evenhand("new", "suite", "mine")
    assert "wrote mine.yaml" in said
    assert "evenhand run mine.yaml\n" in said
    assert "= 12 trials" in evenhand("validate", "mine.yaml")
    assert trained(Path("mine.yaml"), "method=erm,seed=0") == 1


@pytest.mark.parametrize("kind", PARTS)
def test_a_part_passes_its_test_and_trains(kind):
    said = evenhand("new", kind, "mine", "--out", "my parts")
    folder = Path("my parts") / "mine"
    assert {path.name for path in folder.iterdir()} == {"mine.py", "mine.yaml", "test_mine.py"}
    options = ("--plugin", str(folder / "mine.py"))
    assert "evenhand run 'my parts/mine/mine.yaml' --plugin 'my parts/mine/mine.py'\n" in said

    path = os.pathsep.join(str(ROOT / name) for name in ("harness", "reports"))
    test = [sys.executable, "-m", "pytest", "-q", "-W", "error", str(folder)]
    done = subprocess.run(
        test, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout

    suite = str(folder / "mine.yaml")
    assert "is a valid suite: mine v1" in evenhand("validate", suite, *options)
    assert (
        trained(Path(suite), f"method={'mine*' if kind == 'method' else 'la'},seed=0", *options)
        >= 1
    )
    assert "mine" in evenhand("list", f"{kind}s", *options)


@pytest.mark.parametrize("kind", PARTS)
def test_the_files_are_formatted_and_linted(kind):
    evenhand("new", kind, "mine")
    settings = ("--config", str(ROOT / "pyproject.toml"))
    # The order of the imports depends on the name.
    for check in (("format", "--check"), ("check", "--ignore", "I")):
        command = [sys.executable, "-m", "ruff", *check, *settings, "mine"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", Made)
def test_files_that_exist_are_left_alone(tmp_path, kind):
    evenhand("new", kind, "mine")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    files[0].write_text("changed")
    for path in files[1:]:
        path.unlink()
    with pytest.raises(EvenhandError, match=f"{files[0].name}.*exists"):
        evenhand("new", kind, "mine")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == files[:1]
    assert files[0].read_text() == "changed"


@pytest.mark.parametrize(
    ("kind", "name", "fact"),
    [
        ("suite", "my suite", "a letter or digit first"),
        ("suite", "../mine", "a letter or digit first"),
        ("suite", "2026", "as a number"),
        ("suite", "mine.yaml", "write the name alone: mine"),
        ("method", "My-Loss", "for example my_loss"),
        ("method", "2fast", "a letter first"),
        ("method", "class", "a Python name"),
        ("metric", "null", "a Python name"),
        ("method", "vs", "has a method of this name"),
        ("method", "balanced", "has a method of this name"),
        ("method", "power", "template uses this name"),
        ("metric", "np", "template uses this name"),
        ("dataset", "torch", "a Python module"),
    ],
)
def test_names_that_cannot_be_used(tmp_path, kind, name, fact):
    with pytest.raises(SpecError, match=fact) as error:
        evenhand("new", kind, name)
    assert repr(name) in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["class", "Class", "null", "NULL"])
def test_no_name_that_python_or_yaml_reserves_is_suggested(name):
    with pytest.raises(SpecError, match="a Python name") as error:
        evenhand("new", "method", name)
    assert "for example" not in str(error.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(EvenhandError, match=r"mine/mine\.py: cannot be written"):
        evenhand("new", "method", "mine")


def test_an_unknown_kind_is_an_error_of_usage():
    evenhand("new", "loss", "mine", code=2)


@pytest.mark.parametrize("name", ["test_gain", "gain_test", "conftest", "a" * 101])
def test_a_name_that_is_a_test_file_or_too_long_is_refused(tmp_path, name):
    with pytest.raises(SpecError, match=r"pytest|100 characters"):
        evenhand("new", "metric", name)
    assert not list(tmp_path.iterdir())
