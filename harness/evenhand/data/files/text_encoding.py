"""Encodings of text files."""

from __future__ import annotations

import codecs
from pathlib import Path

from evenhand.errors import DataError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks; that of UTF-32 begins like that of UTF-16."""
BINARY = {
    b"\x1f\x8b": "compressed by gzip",
    b"PK\x03\x04": "a zip archive, such as one of Excel",
    b"\xd0\xcf\x11\xe0": "a file of Excel",
    b"PAR1": "a Parquet file",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
}
"""First bytes of files that are no text."""


def read_utf8(path: Path, encoding: str | None) -> bytes:
    """A file of text as UTF-8, without a byte order mark.

    encoding   encoding of the file; None: UTF-8

    Raises `DataError` for bytes that are no text in the encoding, with their row.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}\n  copy it again") from None
    if kind := next((kind for start, kind in BINARY.items() if data.startswith(start)), None):
        raise DataError(
            f"{path}: the file is {kind}, and not text\n  unpack it, or export it as CSV"
        )
    _reject_stand_ins(path, data)
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    if encoding is None and mark and MARKS[mark] != "utf-8-sig":
        raise DataError(
            f"{path}: the text is in {MARKS[mark].upper()}, as its first bytes state\n"
            f"  write `encoding: {MARKS[mark]}`"
        )
    text = _text(path, data, encoding)
    if "\x00" in text:
        raise DataError(
            f"{path}: the text has the character NUL, {text.count(chr(0)):,} times\n"
            "  copy it again; or name its encoding, such as `encoding: utf-16-le`"
        )
    if _is_utf8(encoding):
        return data.removeprefix(codecs.BOM_UTF8)
    return text.removeprefix("\ufeff").encode()


def _reject_stand_ins(path: Path, data: bytes) -> None:
    """Refuse a text that was stored or downloaded in place of a table."""
    if data.startswith(b"version https://git-lfs"):
        raise DataError(
            f"{path}: the file is a pointer of Git LFS, and not the table itself\n"
            "  get the table, for example by `git lfs pull`"
        )
    if data[:200].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise DataError(
            f"{path}: the file is a web page, and not a table\n  download the table itself"
        )


def _is_utf8(encoding: str | None) -> bool:
    return encoding is None or codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _text(path: Path, data: bytes, encoding: str | None) -> str:
    try:
        text = data.decode(encoding or "utf-8")
    except LookupError:
        raise DataError(
            f"{path}: no encoding of text is called {encoding!r}\n"
            "  write the name of a Python codec, such as `latin-1`, `cp1252`, `utf-16` or `gb18030`"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(_describe_bytes(path, data, error, encoding)) from None
    if encoding is not None and not _is_utf8(encoding):
        _reject_other_encoding(path, data, text, encoding)
    return text


def _describe_bytes(
    path: Path, data: bytes, error: UnicodeDecodeError, encoding: str | None
) -> str:
    """Message about bytes that are not in the encoding, with their row and cell."""
    before = data[: error.start]
    row = before.count(b"\n") + 1
    line_start = before.rfind(b"\n") + 1
    end = data.find(b"\n", error.start)
    line = data[line_start : end if end >= 0 else len(data)].rstrip(b"\r")
    # Windows uses these bytes for quotation marks and dashes; Latin-1 has no characters there.
    likely = "cp1252" if any(0x80 <= byte <= 0x9F for byte in data) else "latin-1"
    told = line.decode(likely, errors="backslashreplace")
    shown = told if len(told) <= 80 else f"{told[:80]}…"
    right = f"name the encoding of the file: with `encoding: {likely}` the row is {shown!r}"
    if _decodes(data):
        right = "leave `encoding` out: the text is UTF-8"
    return (
        f"{path}: row {row} is not text in {encoding or 'UTF-8'}: byte "
        f"{error.start - line_start + 1} of the row is 0x{data[error.start]:02x}\n"
        f"  {right}"
    )


def _reject_other_encoding(path: Path, data: bytes, text: str, encoding: str) -> None:
    """Refuse a wrong declaration that decodes every byte, as `latin-1` does."""
    # Bytes of several bytes a character may be UTF-8 by chance.
    if len(text) == len(data) and not data.isascii():
        lines = [(i + 1, line) for i, line in enumerate(data.split(b"\n")) if not line.isascii()]
        utf8 = [row for row, line in lines if _decodes(line)]
        if len(utf8) == len(lines):
            raise DataError(
                f"{path}: the text is UTF-8, and `encoding: {encoding}` would read other "
                "characters\n  leave `encoding` out"
            )
        if utf8:
            raise DataError(
                f"{path}: row {utf8[0]} is in UTF-8, as are {len(utf8) - 1:,} others, and "
                f"{len(lines) - len(utf8):,} rows are not\n"
                "  the file was joined from two encodings: write all of it in one"
            )
    controls = sorted({c for c in set(text) if 0x80 <= ord(c) <= 0x9F})
    if controls:
        row = text[: text.index(controls[0])].count("\n") + 1
        raise DataError(
            f"{path}: row {row} has the control character U+{ord(controls[0]):04X} when it is read "
            f"as {encoding}, and no text has it\n  name another encoding, such as "
            "`encoding: cp1252`"
        )


def _decodes(data: bytes) -> bool:
    """Whether bytes are text in UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
