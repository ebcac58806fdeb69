"""Work of threads beside the main thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def repeated(
    action: Callable[[], None], seconds: float, *, is_joined: bool = True
) -> Iterator[None]:
    """Call a function every few seconds, in a thread of its own, within a `with` block.

    is_joined: the block ends only when a call in progress has ended. An error of the function ends
    the thread.
    """
    over = threading.Event()

    def work() -> None:
        while not over.wait(seconds):
            action()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        if is_joined:
            thread.join()


def run_beside(action: Callable[[], None]) -> None:
    """Call a function in a thread, and wait for it; an error that it raises is raised here.

    A signal that ends the process, and arrives in the main thread, does not wait for the function.
    """
    raised: list[BaseException] = []

    def work() -> None:
        try:
            action()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
