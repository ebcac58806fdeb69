"""Delivery of records to a store that may not answer for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evenhand.declared.record import Record
from evenhand.errors import StoreError
from evenhand.remote.retries import retried, system_error
from evenhand.store.files import Files, PatientFiles, hasty
from evenhand.store.leases import Lease, Leases
from evenhand.store.process import Process
from evenhand.store.spool import Spool, Waiting

RUN = "delivery"
"""Identity of the run in the lease of a record that is delivered."""
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
            held = retried(put, self.files.limit, keep_and_tell)
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

    def deliver(self, held: str = "") -> None:
        """Write the records that wait, each in one try and under the lease of its trial.

        held: key of a trial whose lease this process holds.
        """
        if not isinstance(self.files, PatientFiles):
            return
        for waiting in self.spool.waiting():
            # One that cannot be written waits on, and no other trial waits for it.
            with suppress(StoreError):
                if waiting.record.key == held:
                    self._settle(waiting)
                    continue
                lease = self._lease(waiting.record.key)
                if lease is not None:
                    try:
                        self._settle(waiting)
                    finally:
                        self._leases.release(lease)

    def _settle(self, waiting: Waiting) -> None:
        """Write a record, unless the store has a later one or other numbers, and remove it here."""
        record, there = waiting.record, self.there(waiting.record.key)
        if there is None or may_settle(record, there):
            if there is not None and there.exit.status != "done":
                # A plan that knows the last attempt takes a record for new by its number.
                attempts = max(record.attempts, there.attempts + 1)
                record = record.model_copy(update={"attempts": attempts})
            self.put(record, waiting.attachments)
        self.spool.remove(waiting.folder)

    def _lease(self, key: str) -> Lease | None:
        """The lease of a trial for this process; None where another process trains it."""
        before, this = self._leases.of(key), Process.this()
        if before is None or before.process.is_known_dead or before.process == this:
            return self._leases.take(Lease(key=key, run=RUN, process=this), over=before)
        return None

    @property
    def _leases(self) -> Leases:
        return Leases(hasty(self.files), self.edition)


def may_settle(record: Record, there: Record) -> bool:
    """Whether a record that waited may take the place of the one that the store has by now.

    One that is done makes way only for the same results, whatever its attempt.
    """
    if there.exit.status == "done":
        return record.evaluations == there.evaluations
    return record.exit.status == "done" or record.attempts >= there.attempts
