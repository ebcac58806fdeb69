"""Every signal that ends a job does what one Ctrl-C does, at every moment of a run."""

from __future__ import annotations

import contextlib
import json
import os
import signal

from evenhand.ending import ExitCode
from evenhand.store import Store
from tests.cli.processes import (
    command,
    ended,
    run_command,
    start,
    wait_for,
    wait_for_event,
    write_suite,
)

INLINE, ON_RAY = (signal.SIGINT, signal.SIGHUP), (signal.SIGTERM, signal.SIGUSR1)
STOPPED = "the run is stopped; finished trials are kept, rerun the same command to resume"
NO_END = 10**6
"""Epochs of a trial that does not end."""


def test_a_signal_ends_an_inline_run_with_a_record_and_a_saved_state(tmp_path):
    runs = {}
    for number in INLINE:
        folder = tmp_path / number.name
        folder.mkdir()
        write_suite(folder, epochs=NO_END)
        runs[number] = start(run_command("--inline", "--json"), folder)
    for number, run in runs.items():
        wait_for_event(run, "progress")
        run.send_signal(number)
    ends = {number: ended(run) for number, run in runs.items()}
    for number, (code, _, told) in ends.items():
        assert (code, told.splitlines()[1:]) == (ExitCode.STOPPED, [STOPPED])
        store = Store.open(tmp_path / number.name / "results")
        (record,) = store.records()
        assert record.exit.status == "interrupted"
        # Without the signal, the first state is saved after 30 s.
        assert store.load_state(record.key) is not None


def test_a_signal_ends_a_run_that_has_not_begun(tmp_path):
    write_suite(tmp_path)
    # As long as a slow import; `started` tells that the signal comes during it.
    plugin = tmp_path / "slow.py"
    plugin.write_text("import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(600)\n")
    run = start(run_command("--plugin", str(plugin)), tmp_path)
    wait_for(tmp_path, "started")
    run.send_signal(signal.SIGTERM)

    code, out, told = ended(run)

    assert (code, out) == (ExitCode.STOPPED, "")
    assert told == f"{STOPPED}\n"
    assert not (tmp_path / "results").exists()


def test_a_signal_ends_a_command_whose_modules_are_imported(tmp_path):
    before = (
        "import pathlib, sys, time\n"
        "class Slow:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'evenhand.cli.app':\n"
        "            pathlib.Path('started').touch()\n"
        "            time.sleep(600)\n"
        "sys.meta_path.insert(0, Slow())\n"
    )
    run = start(command("run", "quickstart", before=before), tmp_path)
    wait_for(tmp_path, "started")
    run.send_signal(signal.SIGTERM)
    assert ended(run) == (ExitCode.STOPPED, "", f"{STOPPED}\n")


def test_two_signals_at_the_same_time_stop_a_command_as_one_does(tmp_path):
    # Slurm sends SIGTERM to a command to which `slurm.sh` sends SIGUSR1.
    before = (
        "import signal, sys\n"
        "class Both:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'evenhand.cli.app':\n"
        "            two = (signal.SIGTERM, signal.SIGUSR1)\n"
        "            signal.pthread_sigmask(signal.SIG_BLOCK, two)\n"
        "            for number in two:\n"
        "                signal.raise_signal(number)\n"
        "            signal.pthread_sigmask(signal.SIG_UNBLOCK, two)\n"
        "sys.meta_path.insert(0, Both())\n"
    )
    run = start(command("run", "quickstart", before=before), tmp_path)
    assert ended(run) == (ExitCode.STOPPED, "", f"{STOPPED}\n")


def test_a_run_that_cannot_stop_is_ended_after_the_grace_period(tmp_path):
    write_suite(tmp_path, methods="hangs")
    before = "from evenhand.cli import signals; signals.GRACE_SECONDS = 1.0"
    run = start(run_command("--inline", "--json", before=before), tmp_path)
    wait_for_event(run, "started")
    run.send_signal(signal.SIGTERM)

    code, _, told = ended(run)

    assert code == ExitCode.STOPPED
    (end,) = told.splitlines()[1:]
    assert "after the signal, and ended" in end


def test_a_closed_terminal_does_not_end_what_runs_under_nohup(tmp_path):
    before = "import signal, os; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    before += "from evenhand.cli import signals; signals.stop_once()\n"
    before += "os.kill(os.getpid(), signal.SIGHUP)"
    assert ended(start(command("--version", before=before), tmp_path))[0] == ExitCode.DONE


def test_a_signal_to_all_processes_ends_a_run_on_ray_without_a_line_of_ray(tmp_path):
    runs = {}
    for number in ON_RAY:
        folder = tmp_path / number.name
        folder.mkdir()
        write_suite(folder, epochs=NO_END)
        runs[number] = start(run_command("--json"), folder)
    for number, run in runs.items():
        wait_for_event(run, "progress")
        os.killpg(run.pid, number)
        with contextlib.suppress(ProcessLookupError):
            # Twice, as an impatient scheduler does.
            os.killpg(run.pid, number)
    ends = {number: ended(run) for number, run in runs.items()}

    for number, (code, out, told) in ends.items():
        assert (code, told.splitlines()[1:]) == (ExitCode.STOPPED, [STOPPED])
        assert json.loads(out.splitlines()[-1])["status"] == "interrupted"
        store = Store.open(tmp_path / number.name / "results")
        (record,) = store.records()
        assert record.exit.status == "interrupted"
        # SIGTERM ends Ray's processes, too, before a trial can save its state.
        assert number == signal.SIGTERM or store.load_state(record.key) is not None


def test_a_signal_saves_the_states_of_trials_on_ray_at_once(tmp_path, monkeypatch):
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    for folder in (stopped, whole):
        folder.mkdir()
        write_suite(folder, epochs=40, seeds=2, methods="slow")
    monkeypatch.setenv("EVENHAND_TEST_PACE", "0.2")
    run = start(run_command("--json"), stopped)
    wait_for_event(run, "progress")
    run.send_signal(signal.SIGUSR1)
    code, _, told = ended(run)
    monkeypatch.delenv("EVENHAND_TEST_PACE")

    assert (code, told.splitlines()[1:]) == (ExitCode.STOPPED, [STOPPED])
    store = Store.open(stopped / "results")
    keys = [record.key for record in store.records() if record.exit.status == "interrupted"]
    # The first state is saved 30 s after the first step, and the driver knows no curves.
    assert any(store.load_state(key) and store.read(key).curves for key in keys)

    for folder in (stopped, whole):
        assert ended(start(run_command("--json", "--inline"), folder))[0] == ExitCode.DONE
    resumed = [r.provenance.resumed_after_epoch is not None for r in store.records()]
    assert any(resumed)
    fields = {"evaluations", "curves", "data", "exit"}
    left = [
        {r.key: r.model_dump_json(include=fields) for r in Store.open(folder / "results").records()}
        for folder in (stopped, whole)
    ]
    assert len(left[0]) == 2
    assert left[0] == left[1]
