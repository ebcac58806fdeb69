from __future__ import annotations

import signal
import threading
import time

import pytest

from evenhand.execution.background import run_beside


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_what_work_beside_the_main_thread_raises_is_raised_there(kind):
    def fail() -> None:
        raise kind(threading.current_thread() is threading.main_thread())

    with pytest.raises(kind, match="False"):
        run_beside(fail)


def test_a_signal_that_ends_the_process_does_not_wait_for_the_work():
    over = threading.Event()

    def work() -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR2)
        over.wait(60)

    def end(*_: object) -> None:
        raise SystemExit(1)

    before, began = signal.signal(signal.SIGUSR2, end), time.monotonic()
    try:
        with pytest.raises(SystemExit):
            run_beside(work)
        assert time.monotonic() - began < 30
    finally:
        over.set()
        signal.signal(signal.SIGUSR2, before)
