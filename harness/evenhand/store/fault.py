"""Files of a store that cannot be read as records."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Literal

from evenhand.store.reading import Newer, Unreadable

OF_ONE_PLACE = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP)
"""Errors that may concern the folder of one record alone; a full disk concerns all."""


@dataclass(frozen=True, order=True)
class Fault:
    """A file in the place of a record that cannot be read as one."""

    path: str
    reason: str
    key: str = ""
    """Key of the trial whose record should be there; "" for other files."""
    kind: Literal["damaged", "unreadable", "newer"] = "damaged"
    """Whether it is damaged, cannot be read now, or is of a later version of Evenhand.

    A trial with a damaged record is trained again, and one with another fault is not.
    """

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    @classmethod
    def of(cls, path: str, key: str, error: Unreadable | OSError) -> Fault:
        """The fault of the file at a path that cannot be read, or not as the record of a key."""
        if isinstance(error, OSError):
            return cls(path, f"unreadable: {plain(error)}", key, "unreadable")
        return cls(path, str(error), key, "newer" if isinstance(error, Newer) else "damaged")

    @property
    def advice(self) -> str:
        """What to do."""
        if self.kind == "newer":
            return "upgrade Evenhand, or use another edition: --edition NAME"
        if self.kind == "unreadable":
            return "correct that, or use another edition: --edition NAME"
        return "run its suite again, which trains it again"


def plain(error: OSError) -> str:
    """The system's message in one line, without the path, which the caller names."""
    text = (error.strerror or str(error)).partition("\n")[0]
    return text[:1].lower() + text[1:]
