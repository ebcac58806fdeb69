"""Identity of a store in a folder, by which a process finds that it still sees the same one.

A folder that is unmounted leaves its mount point, under which nothing may be written. Object
storage has no mount points, and no marker.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from evenhand.errors import StoreError
from evenhand.store.fault import plain
from evenhand.store.local import LocalFiles

MARKER = ".store"
"""File with the identity of a store, at its location."""
MARKER_BYTES = 1 << 10
"""Most bytes of a marker that are read."""


@dataclass(frozen=True)
class Marker:
    """The identity of a store, as it was when a run began."""

    identity: str

    @classmethod
    def make(cls, files: LocalFiles) -> Self:
        """The identity of a store, which gets one where it has none. Raises `StoreError`."""
        try:
            with suppress(FileNotFoundError):
                return cls(_read(files))
            files.create(MARKER, uuid.uuid4().hex.encode())
            return cls(_read(files))
        except OSError as error:
            raise StoreError(
                f"{files.location}/{MARKER}: the identity of this store cannot be read: "
                f"{plain(error)}\n  correct that, or remove this file"
            ) from error

    def check(self, files: LocalFiles) -> None:
        """Raise `StoreError` where the store is gone, or another one is in its place."""
        try:
            found, what = _read(files), "another store is there"
        except FileNotFoundError:
            found, what = "", "it is not there any more"
        except OSError as error:
            found, what = "", f"its file {MARKER} cannot be read: {plain(error)}"
        if found != self.identity:
            raise StoreError(
                f"{files.location}: this is not the results folder that the run began with: "
                f"{what}\n"
                "  nothing is written; mount the folder again, and rerun the same command"
            )


@dataclass(frozen=True)
class MarkedFiles(LocalFiles):
    """Files in a folder, into which nothing is written once it is not the same store any more."""

    marker: Marker

    @classmethod
    def of(cls, files: LocalFiles) -> Self:
        """The files of a folder, which gets an identity. Raises `StoreError`."""
        return cls(files.location, files.root, Marker.make(files))

    def write(self, path: str, content: bytes) -> None:
        """Write a file. Raises `StoreError` where this is another store."""
        self.marker.check(self)
        super().write(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that does not exist yet. Raises `StoreError` where this is another store."""
        self.marker.check(self)
        return super().create(path, content)


def _read(files: LocalFiles) -> str:
    return files.read(MARKER, MARKER_BYTES).decode(errors="replace")
