"""Locks between the processes of a machine; the system ends them with the process that holds them.

Windows and some network file systems have no locks: work may then be done twice.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from evenhand.pulse import waited

try:
    import fcntl
except ImportError:  # only POSIX systems have it
    fcntl = None  # type: ignore[assignment]

LOOK_SECONDS = 0.2


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[bool]:
    """Hold a lock for a `with` block, after waiting for other processes.

    Gives whether it is held, or False where there are no locks. A watchdog counts the wait neither
    as progress nor as a standstill.
    """
    with lock.open("w") as file:
        yield _wait(file.fileno())


def _wait(file: int) -> bool:
    while (is_free := _lock(file, exclusive=True)) is False:
        time.sleep(LOOK_SECONDS)
        waited(LOOK_SECONDS)
    return bool(is_free)


def _lock(file: int, *, exclusive: bool) -> bool | None:
    """Whether a lock was free, and is held now; None where there are no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def share(folder: Path) -> int | None:
    """A file descriptor that keeps a folder from `seize` until it is closed.

    None where the folder is not there, is no folder, or is just being removed. Raises `OSError`
    where this user may not look into it.
    """
    try:
        file = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    with contextlib.suppress(OSError):
        if _lock(file, exclusive=False) is not False and folder.stat().st_ino == _inode(file):
            return file
    os.close(file)
    return None


def seize(folder: Path) -> int | None:
    """A file descriptor of a folder that no process shares; None where one does.

    Also None where there are no locks, so that nobody can know.
    """
    file = os.open(folder, os.O_RDONLY)
    if _lock(file, exclusive=True):
        return file
    os.close(file)
    return None


def _inode(file: int) -> int:
    return os.fstat(file).st_ino
