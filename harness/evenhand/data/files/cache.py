"""Cache of files that were fetched from object storage, on a disk of this machine.

    fetched/cifar10-<fingerprint>/contents.json …    whole: it gets its name by a single rename
    fetched/.part-<machine>-…/                       a fetch that goes on, or that was killed
    fetched/.lock                                    held by the process that fetches or removes

The folder that the user names may hold other files, none of which is counted or removed.

A process that reads an entry shares a lock on its folder, which the system ends with the process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache as once
from pathlib import Path
from typing import NamedTuple

from evenhand.data.files.locks import locked, seize, share
from evenhand.errors import DataError

FOLDER, LIMIT = "EVENHAND_CACHE", "EVENHAND_CACHE_GB"
DEFAULT, DEFAULT_GB = Path("~/.cache/evenhand"), 100.0
GB = 1e9
SPARE_BYTES = 1e9
"""Bytes of the disk that stay free."""
TRIES = 5
"""Attempts to hold an entry, which another process may be removing."""
ORPHANED_SECONDS = 24 * 3600
"""Age of the folders of killed processes where there are no locks, or on other machines."""


class Held(NamedTuple):
    """An entry that is not removed until it is released, or this process ends."""

    folder: Path
    lock: int

    def release(self) -> None:
        """Let it be removed."""
        os.close(self.lock)


class Entry(NamedTuple):
    """An entry and what decides when it is removed."""

    folder: Path
    n_bytes: int
    used: float
    """Time of its last use."""


def cache_folder() -> Path:
    """The folder `fetched` in that of EVENHAND_CACHE, else in `~/.cache/evenhand`."""
    return expanded(os.environ.get(FOLDER) or DEFAULT).absolute() / "fetched"


def expanded(path: str | Path) -> Path:
    """The path with the home folder for `~`. Raises `DataError` for a user without one."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise DataError(f"{path}: there is no such user\n  write the path of the folder") from None


def limit_bytes() -> float:
    """Largest size of the cache. Raises `DataError` for a value that is no size."""
    text = os.environ.get(LIMIT) or str(DEFAULT_GB)
    with contextlib.suppress(ValueError):
        if float(text) > 0:
            return float(text) * GB
    raise DataError(f"{LIMIT} is {text!r}; write a number of gigabytes above 0, such as 100")


def held(name: str) -> Held | None:
    """The entry of a name, marked as used; None where there is none.

    Raises `DataError` where this user may not look into the cache.
    """
    folder = cache_folder() / name
    try:
        lock = share(folder)
    except OSError as error:
        raise _unusable(error) from None
    if lock is None:
        return None
    with contextlib.suppress(OSError):
        os.utime(folder)
    return Held(folder, lock)


def held_or_made(name: str, n_bytes: int, what: str, make: Callable[[Path], None]) -> Held:
    """The entry of a name, which one process of this machine makes where there is none.

    n_bytes: its size. what: its name in messages. make writes its files into a new folder, and may
    raise `DataError`.

    Raises `DataError` where the cache has no room for it, before anything is made.
    """
    try:
        found = held(name)
        for _ in range(TRIES if found is None else 0):
            cache = cache_folder()
            cache.mkdir(parents=True, exist_ok=True)
            with locked(cache / ".lock") as is_alone:
                # Another process may have made it in the meantime.
                if not (cache / name).exists():
                    _sweep(cache, is_alone=is_alone)
                    _make_room(cache, n_bytes, what)
                    _make(cache / name, make)
                found = held(name)
            if found is not None:
                break
    except OSError as error:
        raise _unusable(error) from None
    if found is None:
        raise DataError(f"{cache_folder() / name} is no folder of fetched files\n  remove it")
    return found


def _unusable(error: OSError) -> DataError:
    place = error.filename or cache_folder()
    return DataError(
        f"{place}: {error.strerror or error}\n  name a folder for fetched files with {FOLDER}"
    )


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    part = _new_part(folder.parent)
    part.mkdir()
    try:
        make(part)
        try:
            part.rename(folder)
        except OSError:
            # Without locks, another process may have been faster.
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


@once
def _parts() -> str:
    """Beginning of the names of this machine's parts: those of its boot, of its name without one.

    Other machines may fetch into the same folder of a network file system, whose locks may hold on
    one machine alone.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = ""
    return f".part-{uuid.uuid5(uuid.NAMESPACE_DNS, boot or socket.gethostname()).hex[:12]}-"


def _new_part(cache: Path) -> Path:
    return cache / f"{_parts()}{uuid.uuid4().hex[:12]}"


def _sweep(cache: Path, *, is_alone: bool) -> None:
    """Remove the folders of killed processes, those of other machines after a day.

    is_alone: whether no other process of this machine fetches.
    """
    for path in cache.glob(".part-*"):
        with contextlib.suppress(OSError):
            is_own = path.name.startswith(_parts())
            if (is_alone and is_own) or time.time() - path.stat().st_mtime > ORPHANED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def entries(cache: Path) -> Iterator[Entry]:
    """All entries of a cache."""
    for folder in cache.iterdir():
        if folder.is_dir() and not folder.name.startswith("."):
            size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            yield Entry(folder, size, folder.stat().st_mtime)


def _make_room(cache: Path, n_bytes: int, what: str) -> None:
    """Remove the entries used least recently that no process uses, as far as room is needed.

    Raises `DataError`, and removes nothing, where that does not suffice.
    """
    there = sorted(entries(cache), key=lambda entry: entry.used)
    total, free, limit = sum(e.n_bytes for e in there), shutil.disk_usage(cache).free, limit_bytes()
    over = max(total + n_bytes - limit, n_bytes + SPARE_BYTES - free)
    seized: list[tuple[Entry, int]] = []
    try:
        for entry in there:
            if over > 0 and (lock := seize(entry.folder)) is not None:
                seized.append((entry, lock))
                over -= entry.n_bytes
        if over > 0:
            used = total - sum(entry.n_bytes for entry, _ in seized)
            raise DataError(
                f"{what} has {n_bytes / GB:,.3g} GB, and there is no room for it in the cache "
                f"{cache}: it may have {limit / GB:,.3g} GB, running processes use "
                f"{used / GB:,.3g} GB of it, and {free / GB:,.3g} GB of the disk are free, of "
                f"which {SPARE_BYTES / GB:,.3g} GB stay free\n"
                f"  raise {LIMIT}, free some of the disk, or name another folder with {FOLDER}"
            )
        for entry, _ in seized:
            gone = _new_part(cache)
            entry.folder.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)
    finally:
        for _, lock in seized:
            os.close(lock)
