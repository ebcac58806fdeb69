"""Unpacking of an archive that may have been made to harm: by its names, links, size or count."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from evenhand.errors import DataError

MOST_FILES = 1_000_000
"""Files and folders of an archive."""
MOST_RATIO = 100
"""Bytes that a byte of an archive may stand for; those of images stand for about one."""

DAMAGED = (OSError, EOFError, ValueError, RuntimeError, zlib.error, tarfile.TarError,
           zipfile.BadZipFile)  # fmt: skip
"""Exceptions for archives that are not whole, or are encrypted."""


class _Member(NamedTuple):
    name: str
    n_bytes: int
    is_plain: bool
    """Whether it is a file or a folder, and no link or device."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a `.zip` file or a `.tar` file, compressed or not, into a folder.

    Raises `DataError`, before anything is written, for a name outside the folder, a link, and more
    files or bytes than any data set of this size has; also for a damaged archive.
    """
    from torchvision.datasets.utils import extract_archive

    try:
        _check(archive)
        extract_archive(str(archive), folder)
    except DAMAGED as error:
        raise DataError(f"{archive}: cannot be unpacked: {error}\n  copy it again") from None


def _check(archive: Path) -> None:
    most_bytes, n_bytes = MOST_RATIO * archive.stat().st_size, 0
    for n, member in enumerate(_members(archive), 1):
        path = PurePosixPath(member.name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or not member.is_plain:
            raise DataError(
                f"{archive}: it has {member.name!r}, and the files of a data set are plain files "
                "in a folder of its own\n  do not unpack it: get the official archive"
            )
        n_bytes += member.n_bytes
        if n > MOST_FILES or n_bytes > most_bytes:
            raise DataError(
                f"{archive}: it unpacks to more than {MOST_FILES:,} files, or to more than "
                f"{MOST_RATIO} times its size\n  do not unpack it: get the official archive"
            )


def _members(archive: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                is_link = stat.S_ISLNK(info.external_attr >> 16)
                yield _Member(info.filename, info.file_size, not is_link)
        return
    with tarfile.open(archive) as packed_tar:
        for member in packed_tar:
            yield _Member(member.name, member.size, member.isreg() or member.isdir())
