"""An inline trial that hangs ends the command, with a record of the cause."""

from __future__ import annotations

from evenhand.ending import ExitCode
from evenhand.store import Store
from tests.cli.processes import ended, run_command, start, write_suite

BEFORE = """
import evenhand.train.engine
from evenhand.execution.watchdog import StallLimits
StallLimits.__init__.__defaults__ = (4.0, 60.0, 50.0, 2.0)
"""
"""Limits of a test in place of half an hour, after the imports, which take long."""


def causes(folder):
    return {r.trial.method.name: r.exit.cause for r in Store.open(folder / "results").records()}


def test_an_inline_trial_that_hangs_is_recorded_and_ends_the_command(tmp_path):
    runs = {}
    for name in ("hangs", "holds_the_lock"):
        folder = tmp_path / name
        folder.mkdir()
        write_suite(folder, methods=f"{name}, erm")
        runs[name] = start(run_command("--inline", before=BEFORE), folder)
    ends = {name: ended(run) for name, run in runs.items()}

    code, _, told = ends["hangs"]
    assert code == ExitCode.INCOMPLETE
    assert "hangs on blobs-exp-4-n40, seed 0 hung: it made no progress for" in told
    assert "rerun the same command to run the other trials" in told
    assert causes(tmp_path / "hangs")["hangs"].startswith("hung: it made no progress for")
    assert not [*(tmp_path / "hangs/results/main/.leases").iterdir()]
    # No thread runs in this process: the next one writes the record.
    assert ends["holds_the_lock"][0] == ExitCode.INCOMPLETE
    for name in runs:
        again = ended(start(run_command("--inline", before=BEFORE), tmp_path / name))
        assert again[0] == ExitCode.INCOMPLETE
        found = causes(tmp_path / name)
        assert found["erm"] == ""
        assert found[name].startswith("hung: ")
    assert "held the interpreter's lock" in found["holds_the_lock"]
