"""Bundle of an edition: the contents of its records in one file, which can always be made again.

    <location>/<edition>/.records.zip

Object storage takes two requests to read a record. Readers that need many whole records read the
bundle first, and of the records only those that it lacks; then they write it again with these. As
in the index, a content counts only while the version of its file is the one in the listing. So the
bundle may be old, lack records, or be overwritten by another reader: no reader gets a wrong record.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from evenhand.store.files import Files, PatientFiles, read_all
from evenhand.store.reading import RECORD, RECORD_BYTES

BUNDLE = ".records.zip"
BUNDLE_BYTES = 1 << 28
"""Size from which on no record is added."""
NAME = re.compile(r"[0-9a-f]{32}/[0-9-]+")
DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError, OSError,
    OverflowError,
)  # fmt: skip
"""Errors that zipfile raises for files that are damaged, encrypted or made by others."""


class Bundle:
    """Contents of records by key and version.

    >>> key = "0a" * 16
    >>> bundle = Bundle()
    >>> bundle.add(key, "2-1", b"{}")
    >>> again = Bundle(bundle.dump({key: "2-1"}))
    >>> again.get(key, "2-1"), again.get(key, "2-2")
    (b'{}', None)
    """

    def __init__(self, content: bytes = b"", wanted: Mapping[str, str] = {}) -> None:
        """Open the content of a bundle; one that is damaged or made by others holds nothing.

        wanted: versions by key of the contents that will be read, which are checked.
        """
        self._archive = self._open(content, wanted) if content else _empty()
        self._names = set(self._archive.namelist())

    def _open(self, content: bytes, wanted: Mapping[str, str]) -> zipfile.ZipFile:
        try:
            # Opened to append, a file that is no archive is taken for the beginning of a new one.
            archive = zipfile.ZipFile(io.BytesIO(content))
            names = set(archive.namelist())
            is_ours = len(names) == len(archive.namelist()) and not archive.comment
            if not (is_ours and all(_is_ours(each, len(content)) for each in archive.infolist())):
                return _empty()
            for name in names & {_name(key, version) for key, version in wanted.items()}:
                archive.read(name)
            return zipfile.ZipFile(io.BytesIO(content), "a", zipfile.ZIP_DEFLATED)
        except DAMAGED:
            return _empty()

    def has(self, key: str, version: str) -> bool:
        """Whether the bundle has the content of a record in a version."""
        return bool(version) and _name(key, version) in self._names

    def get(self, key: str, version: str) -> bytes | None:
        """Content of a record in a version; None where the bundle lacks it."""
        return self._archive.read(_name(key, version)) if self.has(key, version) else None

    def add(self, key: str, version: str, content: bytes) -> None:
        """Add the content of a record; one without a version may be out of date and is left out."""
        file = self._archive.fp
        assert file is not None, "the archive is open until it is dumped"
        if version and file.tell() < BUNDLE_BYTES:
            self._archive.writestr(_name(key, version), content)
            self._names.add(_name(key, version))

    def dump(self, versions: Mapping[str, str]) -> bytes:
        """The bundle as a file, and its end. Where most contents are old, they are left out."""
        current = {key: version for key, version in versions.items() if self.has(key, version)}
        if len(self._names) > 2 * len(current):
            kept = Bundle()
            for key, version in current.items():
                with suppress(*DAMAGED):
                    kept.add(key, version, self._archive.read(_name(key, version)))
            return kept.dump(current)
        file = self._archive.fp
        assert isinstance(file, io.BytesIO), "a bundle is in memory"
        self._archive.close()
        return file.getvalue()


def read_contents(
    files: Files, edition: str, keys: Sequence[str], versions: Mapping[str, str] | None
) -> Iterator[bytes | OSError]:
    """Content of the records of distinct keys, in order, or the error that prevented its reading.

    versions: the versions of all records by key, where a bundle may be read; None: one by one.
    """
    if versions is not None and isinstance(files, PatientFiles):
        return _read_bundled(files, edition, keys, versions)
    paths = [f"{edition}/{key}/{RECORD}" for key in keys]
    return (content for _, content in read_all(files, paths, RECORD_BYTES))


def _read_bundled(
    files: Files, edition: str, keys: Sequence[str], versions: Mapping[str, str]
) -> Iterator[bytes | OSError]:
    path = f"{edition}/{BUNDLE}"
    try:
        wanted = {key: versions[key] for key in keys if key in versions}
        bundle = Bundle(files.read(path, 2 * BUNDLE_BYTES), wanted)
    except OSError:
        bundle = Bundle()
    lacking = [k for k in keys if k in versions and not bundle.has(k, versions[k])]
    singly = read_all(files, [f"{edition}/{key}/{RECORD}" for key in lacking], RECORD_BYTES)
    for key in keys:
        if key not in versions:
            yield FileNotFoundError(f"{edition}/{key}/{RECORD}")
            continue
        content: bytes | OSError | None = bundle.get(key, versions[key])
        if content is None:
            _, content = next(singly)
            if isinstance(content, bytes):
                bundle.add(key, versions[key], content)
        yield content
    if lacking:
        # Without permission to write, the contents are still right: the bundle only saves time.
        # The store's clock is known from its latest file: this one makes young records settled.
        with suppress(OSError):
            files.write(path, bundle.dump(versions))


def _empty() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED)


def _is_ours(info: zipfile.ZipInfo, size: int) -> bool:
    """Whether an entry of an archive of `size` bytes looks like those that are written here."""
    is_plain = not (info.flag_bits or info.extra or info.comment or info.volume)
    is_usual = info.create_version == info.extract_version == zipfile.DEFAULT_VERSION
    is_inside = 0 <= info.header_offset <= size and info.compress_size <= size
    is_small = is_inside and info.file_size <= RECORD_BYTES
    is_packed = info.compress_type == zipfile.ZIP_DEFLATED
    return bool(NAME.fullmatch(info.filename)) and is_plain and is_usual and is_small and is_packed


def _name(key: str, version: str) -> str:
    return f"{key}/{version}"
