from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from evenhand.execution.watchdog import StallLimits, Watchdog, hang_name
from evenhand.pulse import pulse, waited
from evenhand.store import Store
from evenhand.store.files import open_files
from evenhand.store.leases import Lease, Leases

LIMITS = StallLimits(first=0.3, least=0.2, factor=5)


def watch(seconds, *, limits=LIMITS, time_limit=float("inf"), steps=()):
    causes: list[str] = []
    watchdog = Watchdog(limits, time_limit, lambda cause, stacks: causes.append(cause + stacks))
    with watchdog.watching():
        for step in steps:
            time.sleep(step)
            pulse()
        time.sleep(seconds)
    return causes


def test_a_process_without_progress_is_ended_with_where_it_hung():
    [cause, *_] = watch(0.6)
    assert cause.startswith("hung: it made no progress for 0 s, before its first step")
    assert "test_watchdog.py" in cause


def test_the_time_without_progress_follows_the_steps_so_far():
    assert not watch(0.5, steps=[0.2, 0.2])
    assert "after steps of at most 0.0" in watch(0.6, steps=[0.01, 0.01])[0]


def test_a_trial_that_passes_its_time_limit_is_ended_after_a_grace_period():
    limits = StallLimits(first=60, grace=0.1)
    assert not watch(0.1, limits=limits, time_limit=0.2)
    assert "of its time limit of 0.2 s" in watch(0.6, limits=limits, time_limit=0.2)[0]


def test_the_time_of_a_stopped_process_is_no_time_without_progress(monkeypatch):
    monkeypatch.setattr("evenhand.execution.watchdog.LOOK_SECONDS", 0.01)
    watchdog = Watchdog(LIMITS, 60, lambda *_: None)
    watchdog._leave_out(100.0)
    assert watchdog.seconds_left > 100


def test_the_time_for_which_a_store_is_waited_for_is_no_time_of_the_trial():
    limits, causes = StallLimits(first=0.3, grace=0.1), []
    dog = Watchdog(limits, 0.3, lambda cause, _: causes.append(cause))
    with dog.watching():
        for _ in range(10):
            time.sleep(0.1)
            # Three trials of one process wait at the same time.
            for _ in range(3):
                waited(0.1)
        assert not causes
        assert dog.seconds_left < 0.4
        time.sleep(0.6)
    assert causes


def test_no_file_is_left_open_after_a_watch(tmp_path):
    watchdog = Watchdog(StallLimits(), 60, lambda *_: None, hang=tmp_path / "0a1b.hang")
    for _ in range(2):
        with watchdog.watching():
            file = watchdog._file
            assert not file.closed
        assert file.closed


class WithoutText:
    """A reaction to a hang that holds so many trials that no text may be made of it."""

    def __call__(self, cause: str, stacks: str) -> None:
        raise AssertionError(f"{cause}\n{stacks}")

    def __repr__(self) -> str:
        raise AssertionError("the trials of a run were written as text")


def test_the_end_of_a_watch_makes_no_text_of_the_trials(tmp_path):
    watchdog = Watchdog(StallLimits(), 60, WithoutText(), hang=tmp_path / "0a1b.hang")
    with watchdog.watching():
        assert signal.getsignal(signal.SIGTSTP) != signal.SIG_DFL
    assert signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL


def test_a_watch_makes_no_folder_in_the_place_of_a_store_that_is_gone(tmp_path):
    store = Store.open(tmp_path / "results")
    store.check_writable()
    hang = store.leases.hang_file("mine.hang")
    (tmp_path / "results").rename(tmp_path / "unmounted")

    with Watchdog(StallLimits(), 60, lambda *_: None, hang=hang).watching():
        assert not (tmp_path / "results").exists()


def test_a_hang_is_noticed_where_no_file_can_be_written_for_its_stack(tmp_path):
    (tmp_path / "file").touch()
    causes: list[str] = []
    hang = tmp_path / "file/0a1b.hang"
    watchdog = Watchdog(LIMITS, 60, lambda cause, _: causes.append(cause), hang=hang)
    with watchdog.watching():
        time.sleep(0.6)
    [cause] = causes
    assert cause.startswith("hung: ")


HOLDS_THE_LOCK = """
import re, sys
from pathlib import Path
from evenhand.execution import watchdog as w
dog = w.Watchdog(w.StallLimits(first=0.1, grace=0.1), float("inf"), print, hang=Path(sys.argv[1]))
with dog.watching():
    re.match(r"(a+)+$", "a" * 64 + "b")
"""


def test_a_process_that_holds_the_lock_is_ended_and_leaves_where_it_hung(tmp_path):
    leases, name = Leases(open_files(tmp_path), "main"), hang_name("0a1b")
    file = leases.hang_file(name)
    done = subprocess.run(
        [sys.executable, "-c", HOLDS_THE_LOCK, str(file)], timeout=60, check=False
    )

    assert done.returncode == 1
    assert "in match" in leases.hang(Lease(key="0a" * 16, run="0a1b", hang=name))
    # A lease of somebody else's making names no file outside the folder of leases.
    (tmp_path / "main/secret.hang").write_text("secret")
    assert not leases.hang(Lease(key="0a" * 16, run="", hang="../secret.hang"))
    leases.remove_hangs("0a1b")
    assert not file.exists()


IS_STOPPED = """
import sys, time
from pathlib import Path
from evenhand.execution import watchdog as w
from evenhand.pulse import pulse
w.LOOK_SECONDS = 0.2
limits = w.StallLimits(first=1.0, least=1.0, factor=2.0, grace=0.5)
with w.Watchdog(limits, float("inf"), print, hang=Path(sys.argv[1])).watching():
    for _ in range(30):
        time.sleep(0.1)
        pulse()
        print("step", flush=True)
"""


def test_a_process_that_ctrl_z_stops_for_long_goes_on(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", IS_STOPPED, str(tmp_path / "0a1b.hang")],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "step\n"
        process.send_signal(signal.SIGTSTP)
        # What the shell waits for, too.
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        time.sleep(3)
        process.send_signal(signal.SIGCONT)
        printed, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert set(printed.split()) == {"step"}
    assert not (tmp_path / "0a1b.hang").read_text()
