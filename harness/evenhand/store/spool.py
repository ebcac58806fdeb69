"""Records that wait on this machine until object storage takes them.

    <temp folder>/evenhand-records-<user>/<store>/<key>.<n>/record.json    and its attachments

A record is written here before a run waits for its store, so that it is not lost with the process.
The run delivers it when the store answers, or the next run of the same command on the machine does.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from evenhand.declared.record import Record
from evenhand.store.edition import NAME
from evenhand.store.local import LocalFiles
from evenhand.store.reading import RECORD, RECORD_BYTES, Unreadable, read_record


class Waiting(NamedTuple):
    """A record that waits, with its attachments."""

    folder: Path
    record: Record
    attachments: Mapping[str, bytes]


@dataclass(frozen=True)
class Spool:
    """The records of one edition of one store that wait on this machine."""

    folder: Path

    @classmethod
    def of(cls, location: str, edition: str) -> Self:
        """The spool of an edition; it need not exist."""
        name = hashlib.sha256(f"{location}\n{edition}".encode()).hexdigest()[:16]
        return cls(Path(tempfile.gettempdir()) / f"evenhand-records-{os.getuid()}" / name)

    def keep(self, record: Record, attachments: Mapping[str, bytes]) -> Path:
        """Write a record to this machine's disk; its folder. Raises `OSError`."""
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        if not self._is_own:
            raise PermissionError(
                f"{self.folder.parent} belongs to another user, or is open to one"
            )
        folder = self.folder / f"{record.key}.{uuid.uuid4().hex[:8]}"
        files = LocalFiles(str(folder), folder)
        for name, content in attachments.items():
            files.write(name, content)
        # Last, because a folder with a record is whole.
        files.write(RECORD, record.model_dump_json().encode())
        return folder

    def waiting(self) -> Iterator[Waiting]:
        """The records that wait; folders that hold no whole record are left out."""
        if not self._is_own:
            return
        for folder in sorted(self.folder.glob("*.*")):
            # Another process of this machine may deliver it at the same time.
            with suppress(OSError, Unreadable):
                files = LocalFiles(str(folder), folder)
                key = folder.name.partition(".")[0]
                record = read_record(files.read(RECORD, RECORD_BYTES), key)
                beside = {path.name for path in folder.iterdir()} - {RECORD}
                names = [name for name in sorted(beside) if NAME.fullmatch(name)]
                yield Waiting(folder, record, {name: files.read(name) for name in names})

    def remove(self, folder: Path) -> None:
        """Remove a record that was delivered."""
        shutil.rmtree(folder, ignore_errors=True)
        # Unless others wait.
        with suppress(OSError):
            self.folder.rmdir()

    @property
    def _is_own(self) -> bool:
        """Whether nobody else can put records here: the temp folder is open to all users."""
        try:
            found = self.folder.parent.lstat()
        except OSError:
            return False
        is_closed = not found.st_mode & 0o077
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and is_closed
