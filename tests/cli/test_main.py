"""`python -m evenhand` is the command line, also where its script is not on the path."""

from __future__ import annotations

import subprocess
import sys

from evenhand import __version__


def by_module(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evenhand", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_module_runs_the_command_line():
    assert by_module("--version").stdout == f"evenhand {__version__}\n"
    assert "vs" in by_module("list", "methods").stdout


def test_a_mistake_has_the_exit_code_of_the_command_line():
    done = by_module("validate", "no_such_suite")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no_such_suite" in done.stderr and "Traceback" not in done.stderr


def test_a_report_names_the_program_and_not_the_module():
    script = "import runpy, sys\ntry: runpy.run_module('evenhand', run_name='__main__')\n"
    script += "except SystemExit: pass\n"
    script += "from evenhand.execution.provenance import command\nprint(command())"
    run = [sys.executable, "-c", script, "--version"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "evenhand --version"
