"""Bundle of an edition: the contents of its records in one file, which can always be made again.

    <location>/<edition>/.records.zip

Object storage takes two requests to read a record. Readers that need many whole records read the
bundle first, and of the records only those that it lacks; then they write it again with these. As
in the index, a content counts only while the version of its file is the one in the listing. So the
bundle may be old, lack records, or be overwritten by another reader: no reader gets a wrong record.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from evenhand.store.files import Files, PatientFiles, read_all
from evenhand.store.reading import RECORD, RECORD_BYTES

BUNDLE = ".records.zip"
BUNDLE_BYTES = 1 << 28
"""Size from which on no record is added."""
UNPACKED_BYTES = 1 << 34
"""Most bytes of all contents of a bundle; one that claims more was not made here."""
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError)
"""Errors that zipfile raises for files that are damaged, encrypted or made by others."""


class Bundle:
    """Contents of records by key and version.

    >>> bundle = Bundle()
    >>> bundle.add("0a", "v1", b"{}")
    >>> again = Bundle(bundle.dump({"0a": "v1"}))
    >>> again.get("0a", "v1"), again.get("0a", "v2")
    (b'{}', None)
    """

    def __init__(self, content: bytes = b"") -> None:
        """Open the content of a bundle; one that cannot be read holds nothing."""
        self._archive = self._open(content) if content else _empty()
        self._names = set(self._archive.namelist())

    def _open(self, content: bytes) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(io.BytesIO(content), "a", zipfile.ZIP_DEFLATED)
            is_sane = sum(info.file_size for info in archive.infolist()) < UNPACKED_BYTES
            return archive if is_sane and archive.testzip() is None else _empty()
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
        bundle = Bundle(files.read(path, 2 * BUNDLE_BYTES))
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


def _name(key: str, version: str) -> str:
    return f"{key}/{version}"
