"""Help fits into a terminal of 80 columns, and the list of commands cuts no sentence off."""

from __future__ import annotations

import pytest

from tests.cli.test_commands import evenhand

COMMANDS = (
    "list",
    "new",
    "validate",
    "schema",
    "plan",
    "run",
    "status",
    "report",
    "export",
    "show",
    "data",
)
DATA_COMMANDS = ("prepare", "check", "list", "features")
PATHS = [
    (),
    *((command,) for command in COMMANDS),
    *(("data", command) for command in DATA_COMMANDS),
]


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_is_at_most_80_columns_wide(path):
    said = evenhand(*path, "--help")
    assert f"Usage: evenhand {' '.join(path)}".strip() in said
    assert [line for line in said.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize(("path", "commands"), [((), COMMANDS), (("data",), DATA_COMMANDS)])
def test_every_command_is_listed_with_a_whole_sentence(path, commands):
    _, _, listed = evenhand(*path, "--help").partition("Commands:\n")
    lines = [line.split(maxsplit=1) for line in listed.splitlines()]
    assert [name for name, _ in lines] == list(commands)
    assert [text for _, text in lines if not text.endswith(".") or text.endswith("...")] == []
