"""Store of the records of one edition, by key."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from evenhand.declared.record import Record
from evenhand.errors import StoreError
from evenhand.store.files import Files, open_files, read_all
from evenhand.store.index import Head, IndexEntry, dump_index, load_index
from evenhand.store.leases import Leases
from evenhand.store.marker import Marker
from evenhand.store.reading import Unreadable, read_head, read_record

RECORD = "record.json"
INDEX = "index.json"
STATE = "state.pt"
"""Saved state of a trial without a record, from which its next attempt resumes."""
KEY = re.compile(r"[0-9a-f]{32}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Fault:
    """A file in the place of a record that cannot be read as one."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Store:
    """Records of one edition at one location; the package's docstring shows the layout.

    >>> import tempfile
    >>> store = Store.open(tempfile.mkdtemp())
    >>> store.edition, list(store.records())
    ('main', [])
    """

    def __init__(self, files: Files, edition: str) -> None:
        if not NAME.fullmatch(edition):
            raise StoreError(
                f"{files.location}: {edition!r} cannot be the name of an edition\n"
                "  use letters, digits, '.', '_' and '-', and begin with a letter or a digit"
            )
        self._files = files
        self._edition = edition
        self._entries: dict[str, IndexEntry] | None = None
        self._faults: tuple[Fault, ...] = ()
        self._marker: Marker | None = None

    def __repr__(self) -> str:
        return f"<Store {self.location}, edition {self.edition}>"

    @classmethod
    def open(cls, location: str | Path, edition: str = "main") -> Self:
        """Open the store in a folder or at a URL; a folder that does not exist is an empty store.

        Raises `StoreError` where the URL is not valid or permission is missing.
        """
        return cls(open_files(location), edition)

    @property
    def location(self) -> str:
        """The folder or URL as it was given, without passwords."""
        return self._files.location

    @property
    def edition(self) -> str:
        """Name of the edition."""
        return self._edition

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Files that the last call of `heads` or `records` could not read, by path."""
        return self._faults

    @property
    def leases(self) -> Leases:
        """Leases of trials, by which several runs share the work."""
        return Leases(self._files, self._edition)

    def check_writable(self) -> None:
        """Raise `StoreError` where no record can be written, before any trial trains.

        From then on nothing is written where this store is not there any more.
        """
        self.heads()
        with self._named(INDEX):
            self._write_index()
        with self._named(""):
            self._marker = Marker.make(self._files)

    def write(self, record: Record, attachments: Mapping[str, bytes] = {}) -> None:
        """Write a record with its attachments.

        The record is written last, so that a record that exists is whole. A record with the status
        "done" is replaced by another such record only.
        """
        assert record.key == record.trial.key, "a record goes by the key of its trial"
        if record.exit.status != "done" and self._is_done(record.key):
            return
        for name, content in attachments.items():
            assert NAME.fullmatch(name), f"an attachment called {name!r}"
            assert name != RECORD, "the record itself is no attachment"
            self._write(f"{record.key}/{name}", content)
        self._write(f"{record.key}/{RECORD}", record.model_dump_json().encode())

    def _is_done(self, key: str) -> bool:
        try:
            return self.read(key).exit.status == "done"
        except StoreError:
            return False

    def heads(self) -> dict[str, Head]:
        """The head of every record, by key; only records that changed since the index are read."""
        versions, faults = self._records_there()
        known = self._read_index() if self._entries is None else self._entries
        entries = {
            key: known[key]
            for key, version in versions.items()
            if version and key in known and known[key].version == version
        }
        changed = [key for key in versions if key not in entries]
        for key, head in self._parsed(changed, read_head, faults):
            entries[key] = IndexEntry(versions[key], head)
        self._entries, self._faults = entries, tuple(sorted(faults))
        if _settled(entries) != _settled(known):
            # Without permission to write, the heads are still right: the index only saves time.
            with suppress(OSError):
                self._write_index()
        return {key: entries[key].head for key in sorted(entries)}

    def read(self, key: str) -> Record:
        """Read a record. Raises `StoreError` where it does not exist or cannot be read."""
        self._check_key(key)
        with self._named(f"{key}/{RECORD}"):
            content = self._files.read(self._path(f"{key}/{RECORD}"))
        try:
            return read_record(content, key)
        except Unreadable as error:
            raise StoreError(str(self._fault(key, error))) from None

    def records(self, keys: Iterable[str] | None = None) -> list[Record]:
        """Read records in the order of the keys; without keys all records, sorted by key.

        Records that do not exist are left out, and so are unreadable ones, which `faults` lists.
        """
        faults: list[Fault] = []
        if keys is None:
            versions, faults = self._records_there()
            wanted = sorted(versions)
        else:
            wanted = [key for key in keys if KEY.fullmatch(key)]
        with _no_collection():
            records = [record for _, record in self._parsed(wanted, read_record, faults)]
        self._faults = tuple(sorted(faults))
        return records

    def attachment(self, key: str, name: str) -> bytes:
        """Content of a file beside a record. Raises `StoreError` where there is none."""
        self._check_key(key)
        if not NAME.fullmatch(name):
            raise StoreError(f"{self._place(key)}: no attachment can be called {name!r}")
        with self._named(f"{key}/{name}"):
            return self._files.read(self._path(f"{key}/{name}"))

    def save_state(self, key: str, content: bytes) -> None:
        """Save the state of a trial that has no record yet, whole or not at all."""
        self._check_key(key)
        self._write(f"{key}/{STATE}", content)

    def load_state(self, key: str) -> bytes | None:
        """The saved state of a trial; None where there is none."""
        try:
            return self.attachment(key, STATE)
        except StoreError:
            return None

    def delete_state(self, key: str) -> None:
        """Delete the saved state of a trial, if there is one."""
        self._check_key(key)
        with self._named(f"{key}/{STATE}"):
            self._files.remove(self._path(f"{key}/{STATE}"))

    def _records_there(self) -> tuple[dict[str, str], list[Fault]]:
        """Versions of all records by key, and faults for other files in their place."""
        versions: dict[str, str] = {}
        faults: list[Fault] = []
        with self._named(""):
            found = self._files.versions(self._edition, RECORD)
        for path, version in found.items():
            folder, _, name = path.removeprefix(f"{self._edition}/").rpartition("/")
            if KEY.fullmatch(folder):
                versions[folder] = version
            elif folder:
                faults.append(Fault(self._place(f"{folder}/{name}"), "its folder is not a key"))
            elif name != INDEX:
                faults.append(Fault(self._place(name), "not a record, and no folder of one"))
        return versions, faults

    def _parsed(
        self, keys: Sequence[str], parse: Callable[[bytes, str], T], faults: list[Fault]
    ) -> Iterator[tuple[str, T]]:
        """Parse each record that exists; a record that cannot be parsed is added to `faults`."""
        paths = [self._path(f"{key}/{RECORD}") for key in keys]
        for key, (_, content) in zip(keys, read_all(self._files, paths), strict=True):
            try:
                parsed = parse(_whole(content), key)
            except FileNotFoundError:
                continue
            except (Unreadable, OSError) as error:
                faults.append(self._fault(key, error))
            else:
                yield key, parsed

    def _read_index(self) -> dict[str, IndexEntry]:
        try:
            return load_index(self._files.read(self._path(INDEX)))
        except OSError:
            return {}

    def _write_index(self) -> None:
        self._files.write(self._path(INDEX), dump_index(self._entries or {}))

    def check_there(self) -> None:
        """Raise `StoreError` where this is not the store that `check_writable` found.

        A folder that was unmounted leaves its mount point, under which nothing may be written.
        """
        if self._marker is not None:
            with self._named(""):
                self._marker.check(self._files)

    def probe(self, name: str) -> None:
        """Write a file that another machine finds by `has_probe`, if it sees the same store.

        Raises `StoreError` where this machine does not see the store.
        """
        self.check_there()
        with self._named(""):
            self._files.write(self._probe(name), b"")

    def has_probe(self, name: str) -> bool:
        """Whether the file of `probe` is there; it is removed."""
        with self._named(""):
            try:
                self._files.read(self._probe(name))
            except FileNotFoundError:
                return False
            self._files.remove(self._probe(name))
        return True

    def _probe(self, name: str) -> str:
        return self._path(f".probe-{name}")

    def _write(self, name: str, content: bytes) -> None:
        self.check_there()
        with self._named(name):
            self._files.write(self._path(name), content)

    def _path(self, name: str) -> str:
        return f"{self._edition}/{name}" if name else self._edition

    def _place(self, name: str) -> str:
        """A path as messages show it."""
        return f"{self.location.partition('?')[0].rstrip('/')}/{self._path(name)}"

    def _fault(self, key: str, error: Unreadable | OSError) -> Fault:
        reason = str(error) if isinstance(error, Unreadable) else f"unreadable: {_plain(error)}"
        return Fault(self._place(f"{key}/{RECORD}"), reason)

    def _check_key(self, key: str) -> None:
        if not KEY.fullmatch(key):
            raise StoreError(f"{key!r} is not a key\n  a key has 32 hexadecimal digits")

    @contextmanager
    def _named(self, name: str) -> Iterator[None]:
        """Turn an `OSError` in a `with` block into a `StoreError` that names the file."""
        try:
            yield
        except FileNotFoundError:
            raise StoreError(f"{self._place(name)}: there is no such file") from None
        except OSError as error:
            raise StoreError(f"{self._place(name)}: {_plain(error)}") from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Turn off garbage collection in a `with` block.

    Records have no reference cycles, and the search for cycles among thousands of records takes as
    long as reading them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _settled(entries: Mapping[str, IndexEntry]) -> dict[str, str]:
    """Version of each entry that an index holds."""
    return {key: entry.version for key, entry in entries.items() if entry.version}


def _whole(content: bytes | OSError) -> bytes:
    if isinstance(content, OSError):
        raise content
    return content


def _plain(error: OSError) -> str:
    """The system's message in one line, without the path, which the caller names."""
    return (error.strerror or str(error)).partition("\n")[0].lower()
