"""Files of a store: the protocol, and its implementation for local disks and NFS.

Paths are relative to the location, with slashes: `main/<key>/record.json`.
"""

from __future__ import annotations

import errno
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
"""Beginning of a URL: at least two letters, and one slash, since `s3:/bucket` is a typing error."""

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)
"""Errors of file systems without hard links, such as exFAT."""

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

    def read(self, path: str) -> bytes:
        """Content of a file. Raises `FileNotFoundError` where it does not exist."""
        ...

    def write(self, path: str, content: bytes) -> None:
        """Write or replace a file, whole or not at all, and make its folders."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that does not exist yet; False where it exists or another was faster."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
        ...


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

    return ObjectFiles.open(text)


def read_all(files: Files, paths: Sequence[str]) -> Iterator[tuple[str, bytes | OSError]]:
    """Read files in order: each path with its content, or with the error that prevented it.

    Threads are used because NFS and object stores answer slowly, but many requests at a time;
    batches, because records of thousands of classes should not all be in memory twice.
    """

    def attempt(some: Sequence[str]) -> list[bytes | OSError]:
        return [_read_or_error(files, path) for path in some]

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            # Handing one file to a thread costs more than reading it from the page cache.
            shares = [batch[i : i + SHARE] for i in range(0, len(batch), SHARE)]
            yield from zip(batch, chain.from_iterable(pool.map(attempt, shares)), strict=True)


def _read_or_error(files: Files, path: str) -> bytes | OSError:
    try:
        return files.read(path)
    except OSError as error:
        return error


@dataclass(frozen=True)
class LocalFiles:
    """Files in a folder of this machine or of a network file system."""

    location: str
    root: Path

    @classmethod
    def open(cls, folder: Path) -> LocalFiles:
        """Open a folder; one that does not exist must be possible to make."""
        location = str(folder)
        # Absolute, because a worker that gets this store may run in another folder.
        root = folder.expanduser().absolute()
        nearest = next(path for path in (root, *root.parents) if path.exists())
        if not nearest.is_dir():
            raise StoreError(
                f"{location}: a store is a folder, and {nearest.name} is a file\n"
                "  name another folder"
            )
        rights = os.R_OK | os.X_OK if nearest == root else os.W_OK | os.X_OK
        if not os.access(nearest, rights):
            verb = "read" if nearest == root else "made"
            raise StoreError(
                f"{location}: this folder cannot be {verb}: permission denied\n"
                "  change its permissions, or name another folder"
            )
        return cls(location, root)

    def versions(self, folder: str, leaf: str) -> dict[str, str]:
        """Versions by path of the files in a folder and of the `leaf` in each of its folders.

        Names that begin with a dot are left out.
        """
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
        """Content of a file. Raises `FileNotFoundError` where there is none."""
        return (self.root / path).read_bytes()

    def write(self, path: str, content: bytes) -> None:
        """Write a file by a temporary file and a rename, so that no reader finds a part of it."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, because a rename is one step only within a file system.
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                # Without this, a crash of the machine can leave an empty file under the new name.
                os.fsync(file.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that does not exist yet; False where it exists."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        try:
            temporary.write_bytes(content)
            # A link fails where the name is taken, on NFS as well, and shows the whole file.
            os.link(temporary, target)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            return _create_exclusively(target, content)
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def remove(self, path: str) -> None:
        """Remove a file, if there is one, and what interrupted writes of it have left."""
        target = self.root / path
        target.unlink(missing_ok=True)
        # Writers that were killed leave temporary files.
        for left in target.parent.glob(f".{target.name}.*"):
            left.unlink(missing_ok=True)


def _create_exclusively(target: Path, content: bytes) -> bool:
    try:
        with target.open("xb") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True


def _version(path: str) -> str | None:
    """Version of a file; None where it does not exist.

    It contains the inode, which differs where a file was replaced within one tick of the clock.
    """
    try:
        stat = Path(path).stat()
    except FileNotFoundError:
        return None
    except OSError:
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"
