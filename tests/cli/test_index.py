"""The stored rows of `evenhand list` are those of the registry; plugins are listed beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from evenhand.cli import index, start
from evenhand.cli.app import app
from evenhand.declared.importing import ENTRY_POINTS
from tests.cli.test_commands import PARTS, evenhand

assert app


def test_the_index_is_what_the_registry_holds(tmp_path):
    # In a process of its own: plugins of other tests are registered in this one.
    path = tmp_path / "index.json"
    code = f"from pathlib import Path; from evenhand.cli import index; index.write(Path('{path}'))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert path.read_text() == index.INDEX.read_text(), (
        "write it anew: python -m evenhand.cli.index"
    )


def test_parts_of_a_plugin_file_are_listed():
    names = [row["name"] for row in json.loads(evenhand("list", "methods", "--json"))]
    more = json.loads(evenhand("list", "methods", "--json", "--plugin", PARTS))
    assert "raises" not in names
    assert {"raises", *names} <= {row["name"] for row in more}


def test_parts_of_an_installed_plugin_are_listed(monkeypatch):
    point = EntryPoint("parts", "tests.execution.parts", ENTRY_POINTS)
    installed = {ENTRY_POINTS: [point]}
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: installed[group])
    monkeypatch.setattr(index, "from_registry", lambda kind: [{"name": f"registered {kind}"}])
    assert index.rows("methods", plugins=False) == [{"name": "registered methods"}]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_list_is_the_same_with_and_without_typer(monkeypatch, capsys, more):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", ["evenhand", "list", "methods", *more])
    start.main()
    assert capsys.readouterr().out == evenhand("list", "methods", *more)


@pytest.mark.parametrize("arguments", [["list"], ["list", "methods", "--jason"]])
def test_a_wrong_list_is_an_error_of_usage(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["evenhand", *arguments])
    with pytest.raises(SystemExit, match="2"):
        start.main()
    assert "Usage: " in capsys.readouterr().err


def test_an_unknown_kind_is_told_with_the_kinds(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evenhand", "list", "method"])
    with pytest.raises(SystemExit, match="2"):
        start.main()
    said = capsys.readouterr().err
    assert "'method'" in said
    assert "did you mean 'methods'?" in said
    assert all(kind in said for kind in index.Kind)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("evenhand li", "list"),
        ("evenhand list meth", "methods"),
        ("evenhand run --inl", "--inline"),
    ],
)
def test_shells_complete_verbs_kinds_and_options(monkeypatch, capsys, words, expected):
    monkeypatch.setenv("_EVENHAND_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    monkeypatch.setattr(sys, "argv", ["evenhand"])
    with pytest.raises(SystemExit, match="0"):
        start.main()
    assert capsys.readouterr().out.split() == [expected]
