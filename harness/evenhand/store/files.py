"""Files of a store: the protocol that folders and object storage implement.

Paths are relative to the location, with slashes: `main/<key>/record.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from evenhand.errors import StoreError
from evenhand.remote.retries import READING_SECONDS, retried
from evenhand.remote.urls import URL
from evenhand.store.local import LocalFiles

BATCH, SHARE, THREADS = 768, 8, 24
"""Files in a batch, files that a thread reads in turn, threads. pyarrow has 25 S3 connections."""


class Files(Protocol):
    """Whole files under one location. Every method may raise `OSError`."""

    @property
    def location(self) -> str:
        """The location as messages show it, without passwords."""
        ...

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        """Version by path of each file in the folder, and of each file `<folder>/*/<leaf>`.

        A file with an unchanged version is unchanged; a file with an empty version has to be read.
        Names that begin with a dot are left out. A folder that does not exist has no files.
        """
        ...

    def read(self, path: str, most: int | None = None) -> bytes:
        """Content of a file. Raises `FileNotFoundError` where it does not exist.

        A file of more than `most` bytes is an `OSError`, before it is in memory.
        """
        ...

    def begin(self, path: str, n: int) -> bytes:
        """The first n bytes of a file. Raises `FileNotFoundError` where it does not exist."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write or replace a file, whole or not at all, and make its folders."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that does not exist yet; False where it exists or another was faster."""
        ...

    def check(self, path: str) -> None:
        """Raise `OSError` where this file could not be written, as far as that can be tested."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        ...


@dataclass
class PatientFiles:
    """Files of a place that may not answer for a while: each operation is repeated."""

    files: Files
    seconds: float = READING_SECONDS
    """Time limit of the repetitions; it may be shortened while an operation is repeated."""

    def limit(self) -> float:
        """The time limit as it is now."""
        return self.seconds

    @property
    def location(self) -> str:
        """The location as messages show it, without passwords."""
        return self.files.location

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        """Versions by path of the files in a folder and of the `leaf` in each of its folders."""
        return retried(partial(self.files.versions, folder, leaf), self.limit)

    def read(self, path: str, most: int | None = None) -> bytes:
        """Content of a file. Raises `FileNotFoundError` where there is none."""
        return retried(partial(self.files.read, path, most), self.limit)

    def begin(self, path: str, n: int) -> bytes:
        """The first n bytes of a file. Raises `FileNotFoundError` where there is none."""
        return retried(partial(self.files.begin, path, n), self.limit)

    def write(self, path: str, content: bytes) -> None:
        """Write or replace a file, whole or not at all."""
        retried(partial(self.files.write, path, content), self.limit)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that does not exist yet; False where it exists or another was faster."""
        attempts = 0

        def attempt() -> bool:
            nonlocal attempts
            attempts += 1
            is_made = self.files.create(path, content)
            # The attempt before may have made the file, although its answer was lost.
            return is_made or (attempts > 1 and self.files.read(path) == content)

        return retried(attempt, self.limit)

    def check(self, path: str) -> None:
        """Raise `OSError` where this file could not be written, as far as that can be tested."""
        retried(partial(self.files.check, path), self.limit)

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        retried(partial(self.files.remove, path), self.limit)


def patient(files: Files, seconds: float) -> Files:
    """The same files with another time limit, where they are in object storage."""
    return PatientFiles(files.files, seconds) if isinstance(files, PatientFiles) else files


def hasty(files: Files) -> Files:
    """The same files without repetitions."""
    return files.files if isinstance(files, PatientFiles) else files


def open_files(location: str | Path) -> Files:
    """Open the files at a local path or URL. Raises `StoreError` where that is impossible."""
    text = str(location)
    if not text.strip():
        raise StoreError(
            f"{text!r} names no store\n  name a folder or a URL; `.` is the current folder"
        )
    if not URL.match(text):
        return LocalFiles.open(Path(text))
    if text.lower().startswith("file:///"):
        return LocalFiles.open(Path(unquote(urlsplit(text).path)))
    # Importing pyarrow takes longer than reading the index of a local store.
    from evenhand.store.objects import ObjectFiles

    return PatientFiles(ObjectFiles.open(text))


def read_all(
    files: Files, paths: Sequence[str], most: int | None = None
) -> Iterator[tuple[str, bytes | OSError]]:
    """Read files in order: each path with its content, or with the error that prevented it.

    A file of more than `most` bytes is such an error.

    Threads are used because NFS and object stores answer slowly, but many requests at a time;
    batches, because records of thousands of classes should not all be in memory twice.
    """

    def attempt(some: Sequence[str]) -> list[bytes | OSError]:
        return [_read_or_error(files, path, most) for path in some]

    if len(paths) <= 1:
        # As before and after each trial: threads take longer to start.
        yield from zip(paths, attempt(paths), strict=True)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            # Handing one file to a thread costs more than reading it from the page cache.
            shares = [batch[i : i + SHARE] for i in range(0, len(batch), SHARE)]
            yield from zip(batch, chain.from_iterable(pool.map(attempt, shares)), strict=True)


def _read_or_error(files: Files, path: str, most: int | None) -> bytes | OSError:
    try:
        return files.read(path, most)
    except OSError as error:
        return error


def raised(content: bytes | OSError) -> bytes:
    """The content of a file; raises the error in its place."""
    if isinstance(content, OSError):
        raise content
    return content
