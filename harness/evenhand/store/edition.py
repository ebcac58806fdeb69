"""Files of one edition of a store, with errors that name the file.

<location>/<edition>/<name>                    a name is `index.json` or `<key>/record.json`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

from evenhand.errors import Absent, StoreError, Unwritable
from evenhand.store.fault import OF_ONE_PLACE, Fault, plain
from evenhand.store.files import Files
from evenhand.store.reading import RECORD, Unreadable

INDEX = "index.json"
KEY = re.compile(r"[0-9a-f]{32}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Edition:
    """The files of one edition. Every method may raise `StoreError`, and `Absent` for a file."""

    files: Files
    name: str

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise StoreError(
                f"{self.files.location}: {self.name!r} cannot be the name of an edition\n"
                "  use letters, digits, '.', '_' and '-', and begin with a letter or a digit"
            )

    def on(self, files: Files) -> Self:
        """The same edition, with other files."""
        return replace(self, files=files)

    def path(self, name: str) -> str:
        """A path below the location."""
        return f"{self.name}/{name}" if name else self.name

    def place(self, name: str) -> str:
        """A path as messages show it."""
        return f"{self.files.location.partition('?')[0].rstrip('/')}/{self.path(name)}"

    def versions(self) -> dict[str, str]:
        """Version by name of each file in the edition, and of the record in each of its folders."""
        with self.named(""):
            found = self.files.versions(self.name, RECORD)
        return {path.removeprefix(f"{self.name}/"): version for path, version in found.items()}

    def read(self, name: str, most: int | None = None) -> bytes:
        """Content of a file."""
        with self.named(name):
            return self.files.read(self.path(name), most)

    def write(self, name: str, content: bytes) -> None:
        """Write a file. Raises `Unwritable` where this one alone may be at fault."""
        with self.named(name, to_write=True):
            self.files.write(self.path(name), content)

    def check(self, name: str) -> None:
        """Raise `Unwritable` where a file could not be written, as far as that can be tested."""
        with self.named(name, to_write=True):
            self.files.check(self.path(name))

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""
        with self.named(name):
            self.files.remove(self.path(name))

    def fault(self, key: str, error: Unreadable | OSError) -> Fault:
        """The fault of the record of a key."""
        return Fault.of(self.place(f"{key}/{RECORD}"), key, error)

    @contextmanager
    def named(self, name: str, *, to_write: bool = False) -> Iterator[None]:
        """Turn an `OSError` in a `with` block into a `StoreError` that names the file."""
        try:
            yield
        except FileNotFoundError:
            raise Absent(f"{self.place(name)}: there is no such file") from None
        except OSError as error:
            kind = Unwritable if to_write and error.errno in OF_ONE_PLACE else StoreError
            raise kind(f"{self.place(name)}: {plain(error)}") from error


def check_key(key: str) -> None:
    """Raise `StoreError` for what is not a key."""
    if not KEY.fullmatch(key):
        raise StoreError(f"{key!r} is not a key\n  a key has 32 hexadecimal digits")
