"""Delivery of records to a store that may not answer for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evenhand.declared.record import Record
from evenhand.errors import StoreError
from evenhand.store.files import Files, PatientFiles
from evenhand.store.retries import retried, system_error
from evenhand.store.spool import Spool

Tell = Callable[[str], object]
"""Called with a sentence once a record waits."""


@dataclass(frozen=True)
class Delivery:
    """Writing of records, which wait on this machine's disk while object storage does not answer.

    A folder is not waited for: its errors are those of the user, and last.
    """

    files: Files
    edition: str
    put: Callable[[Record, Mapping[str, bytes]], Record]
    """Writes a record with its attachments, in one try; the record that the store then holds."""
    there: Callable[[str], Record | None]
    """The record of a key that the store has."""

    @property
    def spool(self) -> Spool:
        """The records that wait."""
        return Spool.of(self.files.location, self.edition)

    def send(
        self, record: Record, attachments: Mapping[str, bytes], tell: Tell | None = None
    ) -> Record:
        """Write a record; the record that the store then holds.

        Raises `StoreError`, with the folder in which the record is left.
        """
        if not isinstance(self.files, PatientFiles):
            return self.put(record, attachments)
        folder: Path | None = None

        def keep() -> None:
            nonlocal folder
            # Where this disk is full, the record waits in memory.
            with suppress(OSError):
                folder = self.spool.keep(record, attachments)

        def keep_and_tell() -> None:
            keep()
            if tell is not None:
                where = f"on this machine, in {folder}" if folder else "in memory"
                tell(f"the store does not answer; the record waits {where}")

        try:
            put = partial(self.put, record, attachments)
            held = retried(put, self.files.seconds, keep_and_tell)
        except StoreError as error:
            if folder is None and system_error(error) is not None:
                keep()
            if folder is None:
                raise
            raise type(error)(
                f"{error}\n  the record is not lost: it waits on this machine, in {folder}\n"
                "  run the same command on this machine when the store can be written to"
            ) from error.__cause__
        if folder is not None:
            self.spool.remove(folder)
        return held

    def deliver(self) -> None:
        """Write the records that wait, unless the store has later ones."""
        if not isinstance(self.files, PatientFiles):
            return
        for folder, record, attachments in self.spool.waiting():
            found = self.there(record.key)
            # One that cannot be written waits on, and no other trial waits for it.
            with suppress(StoreError):
                if found is None or found.attempts <= record.attempts:
                    retried(partial(self.put, record, attachments), self.files.seconds)
                self.spool.remove(folder)
