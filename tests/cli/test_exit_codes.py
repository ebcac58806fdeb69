"""Every exit code is what the table in the docs says."""

from __future__ import annotations

import re
from datetime import datetime
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from evenhand import api
from evenhand.cli import waiting
from evenhand.cli.app import app
from evenhand.ending import ExitCode
from evenhand.errors import RunError
from tests.cli.processes import PARTS, ROOT, command, ended, run_command, start, write_suite

TABLE = ROOT / "docs/reference/exit-codes.md"
NOWHERE = "127.0.0.1:1"


def test_the_docs_list_every_code():
    rows = re.findall(r"^\| (\d+) \|", TABLE.read_text(), re.MULTILINE)
    assert [int(code) for code in rows] == sorted(ExitCode)


def test_each_command_ends_with_the_code_of_the_table(tmp_path):
    write_suite(tmp_path, methods="erm, raises")
    bug = "import evenhand.cli.validate as v\n"
    bug += "from evenhand import api\napi.open_suite = lambda *_, **__: 1 / 0"
    expected = {
        ExitCode.DONE: command("list", "methods"),
        ExitCode.INCOMPLETE: run_command("--inline"),
        ExitCode.REFUSED: command("validate", "no_such_suite"),
        ExitCode.CLUSTER_LOST: run_command("--address", NOWHERE, "--results", "r"),
        ExitCode.BUG: command("validate", "quickstart", before=bug),
    }
    runs = {code: start(arguments, tmp_path) for code, arguments in expected.items()}
    ends = {code: ended(run) for code, run in runs.items()}

    assert {code: end[0] for code, end in ends.items()} == {code: code for code in expected}, ends
    traced = {code for code, (_, _, told) in ends.items() if "Traceback" in told}
    assert traced == {ExitCode.BUG}
    # Where no cluster answers, no empty store is left behind.
    assert NOWHERE in ends[ExitCode.CLUSTER_LOST][2]
    assert not (tmp_path / "r").exists()


def test_a_wrong_option_is_a_mistake(tmp_path):
    assert ended(start(command("list", "--no-such"), tmp_path))[0] == ExitCode.REFUSED


def test_a_lost_cluster_is_waited_for_and_the_run_resumed(monkeypatch):
    ends, answers = iter([3, 3, 1]), iter([False, True, True])
    slept = []
    monkeypatch.setattr(waiting, "_run_once", lambda _: next(ends))
    monkeypatch.setattr(waiting, "_answers", lambda _: next(answers))
    monkeypatch.setattr(waiting.time, "sleep", slept.append)

    assert waiting.run_until_over(NOWHERE) == ExitCode.INCOMPLETE
    assert len(slept) == 3


def test_the_command_is_run_again_without_the_option_and_with_its_own_code(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["evenhand", "validate", "none", waiting.OPTION])
    monkeypatch.chdir(tmp_path)
    assert waiting.run_until_over(NOWHERE) == ExitCode.REFUSED


@pytest.mark.parametrize("end", [["s.yaml"], ["--", "s.yaml"]])
def test_the_end_of_a_run_stays_while_the_cluster_is_lost(monkeypatch, capsys, end):
    words = ["run", "--until=1h", *end]
    monkeypatch.setattr("sys.argv", ["evenhand", words[0], waiting.OPTION, *words[1:]])
    clock, commands = SimpleNamespace(now=1.8e9), []
    until = datetime.fromtimestamp(clock.now + 3600).astimezone()
    monkeypatch.setattr(waiting.time, "time", lambda: clock.now)
    monkeypatch.setattr(waiting.time, "sleep", lambda s: setattr(clock, "now", clock.now + s))

    def run_once(arguments):
        clock.now += 1500
        commands.append(arguments)
        return ExitCode.CLUSTER_LOST

    monkeypatch.setattr(waiting, "_run_once", run_once)
    monkeypatch.setattr(waiting, "_answers", lambda _: clock.now < 1.8e9 + 3200)

    assert waiting.run_until_over(NOWHERE, until) == ExitCode.INCOMPLETE
    assert len(commands) == 3
    # Each process has the moment of the first one as its last `--until`, before `--`.
    options = ["run", "--until=1h", *([] if "--" in end else end)]
    rest = end if "--" in end else []
    assert commands == [[*options, "--until", until.isoformat(), *rest]] * 3
    assert "no more trials are started; rerun the same command" in capsys.readouterr().err


def test_without_an_address_there_is_no_cluster_to_wait_for():
    with pytest.raises(RunError, match="--address HOST:PORT"):
        waiting.run_until_over(None)


def test_trials_that_did_not_run_are_counted(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path, seeds=2)
    monkeypatch.setattr(api, "run", lambda plan, *_, **__: plan)
    arguments = ["run", "long.yaml", "--plugin", str(PARTS)]

    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == ExitCode.INCOMPLETE
    assert result.stderr == "2 trials did not run; rerun the same command to resume\n"
