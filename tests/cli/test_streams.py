"""Output that cannot be written: a run goes on, and no command ends with a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from evenhand.ending import ExitCode
from evenhand.store import Store
from tests.cli.processes import command, ended, run_command, start, write_suite


def closed_pipe() -> int:
    """The writing end of a pipe that nobody reads."""
    read, write = os.pipe()
    os.close(read)
    return write


def shell(arguments: list[str], more: str) -> list[str]:
    return ["/bin/sh", "-c", f'exec "$@" {more}', "sh", *arguments]


def test_a_run_goes_on_without_its_output_and_has_the_exit_code_of_its_trials(tmp_path):
    lost = {"full": "> /dev/full", "closed": ">&- 2>&- <&-"}
    runs = {}
    for name, more in lost.items():
        (tmp_path / name).mkdir()
        write_suite(tmp_path / name, seeds=2)
        runs[name] = start(shell(run_command("--inline"), more), tmp_path / name)
    (tmp_path / "pipe").mkdir()
    write_suite(tmp_path / "pipe", methods="raises")
    pipe = closed_pipe()
    runs["pipe"] = start(run_command("--inline"), tmp_path / "pipe", stdout=pipe)
    os.close(pipe)
    ends = {name: ended(run) for name, run in runs.items()}

    codes = {name: end[0] for name, end in ends.items()}
    assert codes == dict.fromkeys(lost, ExitCode.DONE) | {"pipe": ExitCode.INCOMPLETE}, ends
    for name in lost:
        heads = Store.open(tmp_path / name / "results").heads()
        assert [head.status for head in heads.values()] == ["done", "done"]
    full = "standard output cannot be written: no space left on device; the run goes on\n"
    assert (ends["full"][2], ends["closed"][2]) == (full, "")
    first, *others = ends["pipe"][2].splitlines()
    assert first == "standard output cannot be written: broken pipe; the run goes on"
    assert len(others) == 1 and "1 trial failed" in others[0]


@pytest.mark.parametrize("arguments", [("list", "methods"), ("validate", "quickstart")])
def test_another_command_ends_with_one_line_where_the_disk_is_full(tmp_path, arguments):
    with Path("/dev/full").open("w") as full:
        code, _, told = ended(start(command(*arguments), tmp_path, stdout=full))
    assert code == ExitCode.UNWRITTEN
    assert told == "standard output cannot be written: no space left on device\n"


@pytest.mark.parametrize("arguments", [("list", "methods"), ("validate", "quickstart")])
def test_another_command_ends_silently_where_its_reader_has_closed_the_pipe(tmp_path, arguments):
    pipe = closed_pipe()
    run = start(command(*arguments), tmp_path, stdout=pipe)
    os.close(pipe)
    assert ended(run) == (ExitCode.DONE, "", "")


def test_no_file_of_a_command_takes_the_place_of_a_closed_output(tmp_path):
    script = "import sys\nfrom evenhand.cli.streams import prepare_streams\n"
    script += "prepare_streams(goes_on=True)\nfile = open('record', 'w')\n"
    script += "print('a line', flush=True)\nsys.exit(file.fileno())"
    closed = shell([sys.executable, "-c", script], ">&- 2>&- <&-")
    number, *_ = ended(start(closed, tmp_path))
    assert number > 2
    assert (tmp_path / "record").read_text() == ""
