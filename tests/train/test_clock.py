"""The clock of a time limit: it stands still while the process is stopped."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from itertools import count

import pytest

from evenhand.train import clock, engine
from evenhand.train.clock import Clock
from evenhand.train.result import TimeLimitReached
from tests.train.trials import make, run

STOPPED = """
import time
from evenhand.train import clock
clock.TICK_SECONDS, clock.MOST_SECONDS = 0.02, 1.0
began = clock.running_seconds(), time.monotonic()
print("ready", flush=True)
time.sleep(0.2)
input()
print(clock.running_seconds() - began[0], time.monotonic() - began[1])
"""


def test_only_gaps_that_no_running_process_has_are_left_out(monkeypatch):
    times = iter([0.0, 0.4, 2.0, 102.0, 103.0])
    monkeypatch.setattr(clock.time, "monotonic", lambda: next(times))

    watch = Clock()

    assert [watch.seconds() for _ in range(4)] == [0.4, 2.0, 2.0, 3.0]


def test_the_time_in_which_a_process_is_stopped_is_not_counted():
    command = [sys.executable, "-c", STOPPED]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        process.send_signal(signal.SIGCONT)
        counted, passed = map(float, process.communicate("\n")[0].split())

    assert passed > 3
    assert counted < passed - 2.5


def test_a_time_limit_is_one_on_this_clock(monkeypatch):
    seconds = count(0.0, 10.0)
    monkeypatch.setattr(engine, "running_seconds", lambda: next(seconds))

    with pytest.raises(TimeLimitReached):
        run(make(), time_limit=25.0)
