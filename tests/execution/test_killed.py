"""SIGKILL at random moments: the trial resumes, and its record is that of an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from evenhand.execution.execute import run_trial
from evenhand.store import Store
from evenhand.store.store import STATE
from tests.execution.test_execute import execution
from tests.train.trials import RESNET, make

SAVES, SECONDS = 8, 0.02
"""Most saves, and seconds after them, before a kill; the whole trial has 48 saves in 0.5 s."""


class KilledStore(Store):
    """A store whose process is killed `delay` seconds after a number of saves."""

    saves, delay, timer, due = 0, 0.0, None, 0.0

    def save_state(self, key, content):
        self.wait_if_overdue()
        super().save_state(key, content)
        self.saves -= 1
        if self.saves == 0:
            self.timer = threading.Timer(self.delay, os.kill, (os.getpid(), signal.SIGKILL))
            self.due = time.monotonic() + self.delay
            self.timer.start()

    def write(self, record, attachments, tell=None):
        if self.timer is not None:
            self.timer.join()
        return super().write(record, attachments)

    def wait_if_overdue(self):
        """On a loaded machine a timer is late: training must not go on past the kill."""
        if self.timer is not None and time.monotonic() > self.due:
            self.timer.join()


def trial():
    return make("vs_tla_adrw", epochs=12, batch=16, deterministic=True, **RESNET)


def attempt(folder, saves=0, delay=0.0):
    """Exit code of a process that trains, and is killed after some saves unless saves = 0."""
    code = "from tests.execution.test_killed import run; run(*__import__('sys').argv[1:])"
    arguments = [sys.executable, "-c", code, str(folder), str(saves), str(delay)]
    return subprocess.run(arguments, cwd=Path.cwd(), timeout=300, check=False).returncode


def run(folder, saves, delay):
    store = KilledStore.open(folder)
    store.saves, store.delay = int(saves), float(delay)
    run_trial(trial(), execution(trial(), save_every=0.0), store, lambda _: None)


def result(store):
    fields = {"evaluations", "curves", "data", "exit"}
    return store.read(trial().key).model_dump_json(include=fields)


def test_a_trial_killed_again_and_again_leaves_the_record_of_one_that_was_not(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert attempt(whole) == 0
    draws = random.Random(0)
    for _ in range(3):
        # A step and its save take 10 ms: any moment of both may be the last.
        saves, delay = draws.randint(1, SAVES), draws.uniform(0, SECONDS)
        assert attempt(killed, saves, delay) == -signal.SIGKILL
        assert (killed / "main" / trial().key / STATE).exists()
    assert attempt(killed) == 0
    store = Store.open(killed)
    assert result(store) == result(Store.open(whole))
    assert store.read(trial().key).provenance.resumed_after_epoch is not None
    assert not (killed / "main" / trial().key / STATE).exists()
