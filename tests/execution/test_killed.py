"""SIGKILL at random moments: the trial goes on, and its record is that of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from evenhand.execution.execute import STATE
from evenhand.store import Store
from tests.train.trials import RESNET, make

ATTEMPT = """
import sys
from tests.execution.test_execute import execution, store
from tests.execution.test_killed import trial
from evenhand.execution.execute import run_trial
from evenhand.store import Store
killed = trial()
run_trial(killed, execution(killed, save_every=0.0), Store.open(sys.argv[1]), lambda _: None)
"""


def trial():
    return make("vs_tla_adrw", epochs=12, batch=16, deterministic=True, **RESNET)


def attempt(folder):
    return subprocess.Popen([sys.executable, "-c", ATTEMPT, str(folder)], cwd=Path.cwd())


def result(store):
    fields = {"evaluations", "curves", "data", "exit"}
    return store.read(trial().key).model_dump_json(include=fields)


def test_a_trial_killed_again_and_again_leaves_the_record_of_one_that_was_not(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert attempt(whole).wait(120) == 0
    draws = random.Random(0)
    kills = 0
    state = killed / "main" / trial().key / STATE
    while kills < 3:
        before = state.stat().st_mtime_ns if state.exists() else 0
        process = attempt(killed)
        while process.poll() is None:
            if state.exists() and state.stat().st_mtime_ns != before:
                break
            time.sleep(0.01)
        # From the first new state on, the moment is any.
        time.sleep(draws.uniform(0, 0.3))
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills
    assert attempt(killed).wait(120) == 0
    store = Store.open(killed)
    assert result(store) == result(Store.open(whole))
    assert store.read(trial().key).provenance.resumed_after_epoch is not None
    assert not state.exists()
