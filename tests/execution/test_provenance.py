"""The commit and the command that a record keeps."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from evenhand.execution import provenance
from evenhand.execution.provenance import Commit, Gpu, command, commit_of, gpu


@pytest.fixture
def checkout(tmp_path):
    """A checkout with one commit."""
    (tmp_path / "harness" / "evenhand").mkdir(parents=True)
    (tmp_path / "harness" / "evenhand" / "x.py").write_text("")
    (tmp_path / "README.md").write_text("")
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, timeout=30)
    return tmp_path


def test_a_fresh_checkout_is_clean(checkout):
    found = commit_of(checkout)
    assert found.commit is not None
    assert len(found.commit) == 40
    assert found.dirty is False


@pytest.mark.parametrize(
    ("path", "dirty"),
    [
        ("harness/evenhand/x.py", True),
        ("harness/evenhand/methods/mine.py", True),
        ("harness/evenhand/__pycache__/x.pyc", False),
        ("suites/mine.yaml", False),
        ("rerun/main/record.json", False),
        ("README.md", False),
        ("notes.txt", False),
    ],
)
def test_only_the_package_can_be_dirty(checkout, path, dirty):
    (checkout / path).parent.mkdir(parents=True, exist_ok=True)
    (checkout / path).write_text("changed")
    assert commit_of(checkout).dirty is dirty


def test_outside_a_checkout_there_is_no_commit(tmp_path):
    assert commit_of(tmp_path) == Commit(None, None)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("NVIDIA L4, 23034, [N/A]\nTesla T4, 15360, [N/A]\n", Gpu("Tesla T4", 15.0)),
        ("NVIDIA H100, 81920, Disabled\n", Gpu("NVIDIA H100", 80.0)),
        ("NVIDIA H100, 81920, Enabled\n", None),
        ("NVIDIA GB10, [N/A], [N/A]\n", None),
        ("", None),
    ],
)
def test_the_gpu_with_the_least_memory_stands_for_a_machine(monkeypatch, lines, found):
    monkeypatch.setattr("evenhand.execution.provenance._output", lambda *_: lines.strip())
    assert gpu.__wrapped__() == found


@pytest.mark.parametrize(("text", "found"), [("0a1b\n", "0a1b"), ("\n", None)])
def test_an_image_has_its_commit_in_a_file_of_the_package(tmp_path, monkeypatch, text, found):
    (tmp_path / "COMMIT").write_text(text)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "BUILT_FROM", tmp_path / "COMMIT")
    assert provenance.commit.__wrapped__() == Commit(found, None)


def test_the_command_can_be_pasted_into_a_shell(monkeypatch):
    words = ["run", "my suite.yaml", "--only", "method=vs(tau=1, gamma=0.3)"]
    monkeypatch.setattr("sys.argv", ["/opt/bin/evenhand", *words])
    assert shlex.split(command()) == ["evenhand", *words]


def test_a_record_has_no_password_of_its_command(monkeypatch):
    url = "s3://KEY:HIDDEN@bucket/data?region=eu-west-1"
    words = ["/bin/evenhand", "run", "a.yaml", "--data", url, f"--results={url}", "--set", "a=s3:b"]
    words += ["--set", f"data={url}", f"--set=data={url}"]
    monkeypatch.setattr(sys, "argv", words)
    assert provenance.command() == (
        "evenhand run a.yaml --data 's3://bucket/data?region=eu-west-1' "
        "'--results=s3://bucket/data?region=eu-west-1' --set a=s3:b "
        "--set 'data=s3://bucket/data?region=eu-west-1' "
        "'--set=data=s3://bucket/data?region=eu-west-1'"
    )
