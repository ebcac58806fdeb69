"""Store of the records of one edition, by key.

A record that is done stays: only a later attempt replaces it, or one that kept more arrays. What
cannot be read, or is of a later version of Evenhand, is never overwritten; a damaged record is.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

from evenhand.declared.record import Record
from evenhand.errors import Absent, StoreError, Unwritable
from evenhand.store.bundle import read_contents
from evenhand.store.delivery import Delivery, Tell
from evenhand.store.fault import OF_ONE_PLACE, Fault, plain
from evenhand.store.files import Files, PatientFiles, hasty, open_files, patient, raised
from evenhand.store.index import INDEX_BYTES, Head, IndexEntry, dump_index, load_index, settled
from evenhand.store.leases import Leases
from evenhand.store.marker import Marker
from evenhand.store.reading import (
    RECORD,
    RECORD_BYTES,
    Newer,
    Unreadable,
    no_collection,
    read_head,
    read_record,
    replaces,
)
from evenhand.store.retries import RUN_SECONDS, may_pass
from evenhand.store.seal import read_sealed, seal

INDEX = "index.json"
STATE = "state.pt"
"""Saved state of a trial without a record, from which its next attempt resumes."""
KEY = re.compile(r"[0-9a-f]{32}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HEADS_SINGLY, RECORDS_SINGLY = 32, 1
"""Most records of object storage that are read without the bundle, for heads and to be whole."""

T = TypeVar("T")


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
        self._files = patient(self._files, RUN_SECONDS)
        self.deliver()

    def deliver(self) -> None:
        """Write the records of earlier processes that wait on this machine for object storage."""
        self._delivery.deliver()

    def hurry(self) -> None:
        """Wait no more for object storage that does not answer, because the run is stopped."""
        self._files = patient(self._files, 0.0)

    def unwritable(self, keys: Iterable[str]) -> dict[str, str]:
        """The trials whose record could not be written, by key, each with the cause.

        A file is written beside each record that exists, and removed.
        """
        found: dict[str, str] = {}
        for key in keys:
            try:
                with self._named(f"{key}/{RECORD}", to_write=True):
                    self._files.check(self._path(f"{key}/{RECORD}"))
            except StoreError as error:
                found[key] = str(error)
        return found

    def write(
        self, record: Record, attachments: Mapping[str, bytes] = {}, tell: Tell | None = None
    ) -> Record:
        """Write a record with its attachments; the record that the store then holds.

        The record is written last, so that a record that exists is whole. A record with the status
        "done" stays, unless this one is done, too, and of a later attempt or with more arrays.
        Where object storage does not answer, the record waits on this machine's disk, and `tell` is
        called with a sentence about that. Raises `StoreError`, and `Unwritable` where the place of
        this record alone is at fault.
        """
        return self._delivery.send(record, attachments, tell)

    @property
    def _delivery(self) -> Delivery:
        return Delivery(self._files, self._edition, self._at_once()._put, self._there)

    def _put(self, record: Record, attachments: Mapping[str, bytes]) -> Record:
        assert record.key == record.trial.key, "a record goes by the key of its trial"
        there = self._standing(record.key)
        if there is not None and not replaces(record, there):
            return there
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in attachments.items()}
        record = record.model_copy(update={"digests": digests})
        for name, content in attachments.items():
            assert NAME.fullmatch(name), f"an attachment called {name!r}"
            assert name != RECORD, "the record itself is no attachment"
            self._write(f"{record.key}/{name}", content)
        self.replace(record)
        return record

    def replace(self, record: Record) -> None:
        """Write a record in the place of one that was read from this store, and changed."""
        self._write(f"{record.key}/{RECORD}", record.model_dump_json().encode())

    def _standing(self, key: str) -> Record | None:
        """The finished record of a trial; None where there is none, or a damaged one.

        Raises `Unwritable` for a record that must not be overwritten.
        """
        try:
            found = self.read(key)
        except Absent:
            return None
        except StoreError as error:
            if isinstance(error.__cause__, Unreadable) and not isinstance(error.__cause__, Newer):
                return None
            if may_pass(error):
                raise
            raise Unwritable(f"{error}\n  this file is not overwritten") from error
        return found if found.exit.status == "done" else None

    def _there(self, key: str) -> Record | None:
        try:
            return self.read(key)
        except StoreError:
            return None

    def _at_once(self) -> Self:
        """This store, whose operations are not repeated."""
        store = copy.copy(self)
        store._files = hasty(self._files)
        return store

    def heads(self) -> dict[str, Head]:
        """The head of every record, by key; only records that changed since the index are read.

        The index keeps the entries of records that cannot be read now, for those who can.
        """
        versions, faults = self._records_there()
        known = self._read_index() if self._entries is None else self._entries
        entries = {
            key: known[key]
            for key, version in versions.items()
            if version and key in known and known[key].version == version
        }
        changed = [key for key in versions if key not in entries]
        listed = versions if len(changed) > HEADS_SINGLY else None
        for key, head in self._parsed(changed, read_head, faults, listed):
            entries[key] = IndexEntry(versions[key], head)
        closed = {f.key for f in faults if f.kind == "unreadable" and f.key in known}
        heads = {key: entries[key].head for key in sorted(entries)}
        entries |= {key: known[key] for key in closed}
        self._entries, self._faults = entries, tuple(sorted(faults))
        # A young record is not in the index, but the time of a newer file makes it settled.
        if settled(entries) != settled(known) or not all(versions.values()):
            # Without permission to write, the heads are still right: the index only saves time.
            with suppress(OSError):
                self._write_index()
        return heads

    def read(self, key: str) -> Record:
        """Read a record. Raises `StoreError` where it cannot be read, `Absent` where none is."""
        self._check_key(key)
        with self._named(f"{key}/{RECORD}"):
            content = self._files.read(self._path(f"{key}/{RECORD}"), RECORD_BYTES)
        try:
            return read_record(content, key)
        except Unreadable as error:
            raise StoreError(str(self._fault(key, error))) from error

    def records(self, keys: Iterable[str] | None = None) -> list[Record]:
        """Read records in the order of the keys; without keys all records, sorted by key.

        Records that do not exist are left out, and so are unreadable ones, which `faults` lists.
        """
        faults: list[Fault] = []
        versions: dict[str, str] | None = None
        if keys is None:
            versions, faults = self._records_there()
            wanted = sorted(versions)
        else:
            wanted = list(dict.fromkeys(key for key in keys if KEY.fullmatch(key)))
            if isinstance(self._files, PatientFiles) and len(wanted) > RECORDS_SINGLY:
                versions, _ = self._records_there()
        with no_collection():
            records = [record for _, record in self._parsed(wanted, read_record, faults, versions)]
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
        """Save the state of a trial that has no record yet, whole or not at all, in one try."""
        self._check_key(key)
        self._at_once()._write(f"{key}/{STATE}", seal(content))

    def load_state(self, key: str) -> bytes | None:
        """The saved state of a trial; None where there is none.

        Raises `StoreError` where it is damaged or cannot be read: the trial can begin anew.
        """
        self._check_key(key)
        try:
            with self._named(f"{key}/{STATE}"):
                return read_sealed(self._files, self._path(f"{key}/{STATE}"))
        except Absent:
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
            elif KEY.fullmatch(name):
                reason = "not the folder of a record, but a file or a symbolic link"
                faults.append(Fault(self._place(name), reason, name, "unreadable"))
            elif name != INDEX:
                faults.append(Fault(self._place(name), "not a record, and no folder of one"))
        return versions, faults

    def _parsed(
        self,
        keys: Sequence[str],
        parse: Callable[[bytes, str], T],
        faults: list[Fault],
        versions: Mapping[str, str] | None,
    ) -> Iterator[tuple[str, T]]:
        """Parse each record that exists; a record that cannot be parsed is added to `faults`.

        versions: the versions of all records, where a bundle of them may be read.
        """
        contents = read_contents(self._files, self._edition, keys, versions)
        for key, content in zip(keys, contents, strict=True):
            try:
                parsed = parse(raised(content), key)
            except FileNotFoundError:
                continue
            except (Unreadable, OSError) as error:
                faults.append(self._fault(key, error))
            else:
                yield key, parsed

    def _read_index(self) -> dict[str, IndexEntry]:
        try:
            return load_index(self._files.read(self._path(INDEX), INDEX_BYTES))
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
        with self._named(name, to_write=True):
            self._files.write(self._path(name), content)

    def _path(self, name: str) -> str:
        return f"{self._edition}/{name}" if name else self._edition

    def _place(self, name: str) -> str:
        """A path as messages show it."""
        return f"{self.location.partition('?')[0].rstrip('/')}/{self._path(name)}"

    def _fault(self, key: str, error: Unreadable | OSError) -> Fault:
        return Fault.of(self._place(f"{key}/{RECORD}"), key, error)

    def _check_key(self, key: str) -> None:
        if not KEY.fullmatch(key):
            raise StoreError(f"{key!r} is not a key\n  a key has 32 hexadecimal digits")

    @contextmanager
    def _named(self, name: str, *, to_write: bool = False) -> Iterator[None]:
        """Turn an `OSError` in a `with` block into a `StoreError` that names the file."""
        try:
            yield
        except FileNotFoundError:
            raise Absent(f"{self._place(name)}: there is no such file") from None
        except OSError as error:
            kind = Unwritable if to_write and error.errno in OF_ONE_PLACE else StoreError
            raise kind(f"{self._place(name)}: {plain(error)}") from error
