"""What a store asks of the place where it lies, and the local disk (or NFS) that answers.

Paths are relative to the location, with slashes: `main/<key>/record.json`.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from evenhand.errors import StoreError

URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
"""Two letters at least, and one slash is enough: `s3:/bucket` is a typing mistake, not a folder."""

BATCH, SHARE, THREADS = 768, 8, 24
"""Files read at a time, by one thread at a time; pyarrow keeps 25 connections to S3."""


class Files(Protocol):
    """Whole files under one location. Every method may raise `OSError`."""

    @property
    def location(self) -> str:
        """As shown to people: without passwords."""
        ...

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        """Path → version of each file in the folder, and of each file `<folder>/*/<leaf>`.

        A file whose version has not changed has not changed. An empty version says nothing: such
        a file has to be read. Names that begin with a dot are left out; no folder, no files.
        """
        ...

    def read(self, path: str) -> bytes:
        """Raises `FileNotFoundError` where there is none."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Whole or not at all, in place of what was there; folders come to be as needed."""
        ...

    def remove(self, path: str) -> None:
        """Nothing happens where there is no such file."""
        ...


def open_files(location: str | Path) -> Files:
    """The files at a local path or URL. Raises `StoreError` where there can be none."""
    text = str(location)
    if not URL.match(text):
        return LocalFiles.open(Path(text))
    if text.lower().startswith("file:///"):
        return LocalFiles.open(Path(unquote(urlsplit(text).path)))
    # Importing pyarrow takes longer than reading the index of a local store.
    from evenhand.store.objects import ObjectFiles

    return ObjectFiles.open(text)


def read_all(files: Files, paths: Sequence[str]) -> Iterator[tuple[str, bytes | OSError]]:
    """Each path, in order, with its content or with what stood in the way.

    Threads, because NFS and object stores answer slowly but many at a time; in batches, because
    records of thousands of classes should not all lie in memory twice.
    """

    def attempt(some: Sequence[str]) -> list[bytes | OSError]:
        return [_read_or_error(files, path) for path in some]

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            # One hand-over to a thread costs more than reading a file from the page cache.
            shares = [batch[i : i + SHARE] for i in range(0, len(batch), SHARE)]
            yield from zip(batch, chain.from_iterable(pool.map(attempt, shares)), strict=True)


def _read_or_error(files: Files, path: str) -> bytes | OSError:
    try:
        return files.read(path)
    except OSError as error:
        return error


@dataclass(frozen=True)
class LocalFiles:
    """A folder of this machine or of a network file system."""

    location: str
    root: Path

    @classmethod
    def open(cls, folder: Path) -> LocalFiles:
        """The folder may be absent, but then it must be possible to make it."""
        location = str(folder)
        # Absolute, because a worker that gets this store may run in another folder.
        root = folder.expanduser().absolute()
        nearest = next(path for path in (root, *root.parents) if path.exists())
        if not nearest.is_dir():
            raise StoreError(f"{location}: {nearest.name} is a file; a store is a folder")
        rights = os.R_OK | os.X_OK if nearest == root else os.W_OK | os.X_OK
        if not os.access(nearest, rights):
            verb = "read" if nearest == root else "made"
            raise StoreError(f"{location}: this folder cannot be {verb}: permission denied")
        return cls(location, root)

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        found: dict[str, str] = {}
        try:
            entries = os.scandir(self.root / folder)
        except FileNotFoundError:
            return found
        with entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                is_folder = entry.is_dir()
                name = f"{entry.name}/{leaf}" if is_folder else entry.name
                version = _version(f"{entry.path}/{leaf}" if is_folder else entry.path)
                if version is not None:
                    found[f"{folder}/{name}"] = version
        return found

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, because a rename is one step only within a file system.
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                # Without it a crash of the machine can leave the new name on an empty file.
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        target = self.root / path
        target.unlink(missing_ok=True)
        # Of writers that were killed.
        for left in target.parent.glob(f".{target.name}.*"):
            left.unlink(missing_ok=True)


def _version(path: str) -> str | None:
    """None where there is no file.

    The inode tells a file from the one that replaced it within one tick of the clock.
    """
    try:
        stat = Path(path).stat()
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"
