"""Regular files that a user names, or that stand in a folder that a user names.

A named pipe, a socket or a device in the place of a file would make a reader wait for ever, or read
without an end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(path: Path) -> None:
    """Raise `OSError` with the kind of a file that is no regular file, such as a named pipe.

    A folder passes, for which the system has a message of its own.
    """
    _check_kind(path.stat(), path)


def read_input(path: Path, *, most: int) -> bytes:
    """Content of a file of at most `most` bytes.

    Raises `OSError` for a larger file, and for one that is no regular file.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        _check_kind(os.fstat(file.fileno()), path)
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file, and do not wait for the writer of a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _check_kind(found: os.stat_result, path: Path) -> None:
    if kind := KINDS.get(stat.S_IFMT(found.st_mode)):
        raise OSError(errno.EINVAL, f"it is {kind}; name a regular file", str(path))
