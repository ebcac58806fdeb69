"""Identity of a store, by which a process finds that it still sees the same one."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from evenhand.errors import StoreError
from evenhand.store.files import Files

MARKER = ".store"
"""File with the identity of a store, at its location."""


@dataclass(frozen=True)
class Marker:
    """The identity of a store, as it was when a run began."""

    identity: str

    @classmethod
    def make(cls, files: Files) -> Self:
        """The identity of a store, which gets one where it has none."""
        with suppress(FileNotFoundError):
            return cls(files.read(MARKER).decode(errors="replace"))
        files.create(MARKER, uuid.uuid4().hex.encode())
        return cls(files.read(MARKER).decode(errors="replace"))

    def check(self, files: Files) -> None:
        """Raise `StoreError` where the store is gone, or another one is in its place."""
        try:
            found = files.read(MARKER).decode(errors="replace")
        except FileNotFoundError:
            found = ""
        if found != self.identity:
            what = "another store is there" if found else "it is not there any more"
            raise StoreError(
                f"{files.location}: this is not the results folder that the run began with: "
                f"{what}\n"
                "  nothing is written; mount the folder again, and rerun the same command"
            )
