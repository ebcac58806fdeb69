"""Store of the records of one edition, by key.

A record that is done stays: only a later attempt replaces it, or one that kept more arrays. What
cannot be read, or is of a later version of Evenhand, is never overwritten; a damaged record is.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Self

from evenhand.declared.record import Record
from evenhand.errors import Absent, StoreError, Unwritable
from evenhand.remote.retries import RUN_SECONDS, may_pass
from evenhand.store.delivery import Delivery, Tell
from evenhand.store.edition import NAME, Edition, check_key
from evenhand.store.fault import Fault
from evenhand.store.files import Files, PatientFiles, hasty, open_files, patient
from evenhand.store.index import Head
from evenhand.store.leases import Leases
from evenhand.store.listing import Listing
from evenhand.store.local import LocalFiles
from evenhand.store.marker import MarkedFiles
from evenhand.store.reading import (
    RECORD,
    RECORD_BYTES,
    Newer,
    Unreadable,
    read_record,
    replaces,
)
from evenhand.store.seal import read_sealed, seal

STATE = "state.pt"
"""Saved state of a trial without a record, from which its next attempt resumes."""


class Store:
    """Records of one edition at one location; the package's docstring shows the layout.

    >>> import tempfile
    >>> store = Store.open(tempfile.mkdtemp())
    >>> store.edition, list(store.records())
    ('main', [])
    """

    def __init__(self, files: Files, edition: str) -> None:
        self._edition = Edition(files, edition)
        self._listing = Listing()

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
        return self._edition.name

    @property
    def is_remote(self) -> bool:
        """Whether the records are in object storage, which may not answer for a while."""
        return isinstance(self._files, PatientFiles)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Files that the last call of `heads` or `records` could not read, by path."""
        return self._listing.faults

    @property
    def leases(self) -> Leases:
        """Leases of trials, by which several runs share the work."""
        return Leases(self._files, self.edition)

    @property
    def _files(self) -> Files:
        return self._edition.files

    def check_writable(self) -> None:
        """Raise `StoreError` where no record can be written, before any trial trains.

        From then on nothing is written where a folder is not the same store any more.
        """
        self._listing.write_index(self._edition)
        files = patient(self._files, RUN_SECONDS)
        if isinstance(files, LocalFiles) and not isinstance(files, MarkedFiles):
            files = MarkedFiles.of(files)
        self._edition = self._edition.on(files)
        self.deliver()

    def probe(self, name: str) -> None:
        """Write a file that another machine finds by `has_probe`, if it sees the same store.

        Raises `StoreError` where this machine does not see the store.
        """
        self._edition.write(f".probe-{name}", b"")

    def has_probe(self, name: str) -> bool:
        """Whether the file of `probe` is there; it is removed."""
        try:
            self._edition.read(f".probe-{name}")
        except Absent:
            return False
        self._edition.remove(f".probe-{name}")
        return True

    def deliver(self, held: str = "") -> None:
        """Write the records of earlier processes that wait on this machine for object storage.

        held: key of a trial whose lease this process holds. A record whose trial another process
        trains, or that cannot be written, waits on.
        """
        self._delivery.deliver(held)

    def hurry(self) -> None:
        """Wait no more for object storage that does not answer, because the run is stopped."""
        if isinstance(self._files, PatientFiles):
            # In place: threads of this process may be waiting.
            self._files.seconds = 0.0

    def unwritable(self, keys: Iterable[str]) -> dict[str, str]:
        """The trials whose record could not be written, by key, each with the cause.

        A file is written beside each record that exists, and removed.
        """
        found: dict[str, str] = {}
        for key in keys:
            try:
                self._edition.check(f"{key}/{RECORD}")
            except StoreError as error:
                found[key] = str(error)
        return found

    def heads(self) -> dict[str, Head]:
        """The head of every record, by key; only records that changed since the index are read."""
        return self._listing.heads(self._edition)

    def times(self) -> dict[str, float]:
        """Time at which each record of the last call of `heads` was written, by key.

        In seconds of the store's clock, which may differ from that of this machine. Records of the
        last two seconds in object storage are left out.
        """
        return self._listing.times()

    def leave_index(self) -> None:
        """Do not write the index any more, as suits a reader that looks every few seconds."""
        self._listing.writes_index = False

    def read(self, key: str) -> Record:
        """Read a record. Raises `StoreError` where it cannot be read, `Absent` where none is."""
        check_key(key)
        content = self._edition.read(f"{key}/{RECORD}", RECORD_BYTES)
        try:
            return read_record(content, key)
        except Unreadable as error:
            raise StoreError(str(self._edition.fault(key, error))) from error

    def records(
        self,
        keys: Iterable[str] | None = None,
        held: Callable[[Record], Record] = lambda record: record,
    ) -> list[Record]:
        """Read records in the order of the keys; without keys all records, sorted by key.

        Records that do not exist are left out, and so are unreadable ones, which `faults` lists.

        held: what is held of a record, such as a smaller form of it; called as each one is read,
        so that thousands are never in memory in full
        """
        return self._listing.records(self._edition, keys, held)

    def attachment(self, key: str, name: str) -> bytes:
        """Content of a file beside a record. Raises `StoreError` where there is none."""
        check_key(key)
        if not NAME.fullmatch(name):
            raise StoreError(f"{self._edition.place(key)}: no attachment can be called {name!r}")
        return self._edition.read(f"{key}/{name}")

    def save_state(self, key: str, content: bytes) -> None:
        """Save the state of a trial that has no record yet, whole or not at all, in one try."""
        check_key(key)
        self._edition.on(hasty(self._files)).write(f"{key}/{STATE}", seal(content))

    def load_state(self, key: str) -> bytes | None:
        """The saved state of a trial; None where there is none.

        Raises `StoreError` where it is damaged or cannot be read: the trial can begin anew.
        """
        check_key(key)
        try:
            with self._edition.named(f"{key}/{STATE}"):
                return read_sealed(self._files, self._edition.path(f"{key}/{STATE}"))
        except Absent:
            return None

    def delete_state(self, key: str) -> None:
        """Delete the saved state of a trial, if there is one."""
        check_key(key)
        self._edition.remove(f"{key}/{STATE}")

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
        at_once = copy.copy(self)
        at_once._edition = self._edition.on(hasty(self._files))
        return Delivery(self._files, self.edition, at_once._put, at_once._there)

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
            self._edition.write(f"{record.key}/{name}", content)
        self.replace(record)
        return record

    def replace(self, record: Record) -> None:
        """Write a record in the place of one that was read from this store, and changed."""
        self._edition.write(f"{record.key}/{RECORD}", record.model_dump_json().encode())

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
