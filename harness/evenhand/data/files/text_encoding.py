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


def read_utf8(path: Path, encoding: str | None) -> bytes:
    """A file of text as UTF-8, without a byte order mark.

    encoding   encoding of the file; None: UTF-8

    Raises `DataError` for bytes that are no text in the encoding, with their row.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}\n  copy it again") from None
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    if encoding is None and mark and MARKS[mark] != "utf-8-sig":
        raise DataError(
            f"{path}: the text is in {MARKS[mark].upper()}, as its first bytes state\n"
            f"  write `encoding: {MARKS[mark]}`"
        )
    text = _text(path, data, encoding)
    if "\x00" in text:
        raise DataError(
            f"{path}: {text.count(chr(0)):,} characters are NUL, which no text has\n"
            "  copy it again; or name its encoding, such as `encoding: utf-16-le`"
        )
    if codecs.lookup(encoding or "utf-8").name == "utf-8":
        return data.removeprefix(codecs.BOM_UTF8)
    return text.removeprefix("\ufeff").encode()


def _text(path: Path, data: bytes, encoding: str | None) -> str:
    try:
        text = data.decode(encoding or "utf-8")
    except LookupError:
        raise DataError(
            f"{path}: no encoding of text is called {encoding!r}\n"
            "  write a name that Python knows, such as `latin-1`, `cp1252`, `utf-16` or `gb18030`"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(_describe_bytes(path, data, error, encoding)) from None
    if encoding is not None and codecs.lookup(encoding).name != "utf-8":
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
    return (
        f"{path}: row {row} is not text in {encoding or 'UTF-8'}: byte "
        f"{error.start - line_start + 1} of the row is 0x{data[error.start]:02x}\n"
        f"  name the encoding of the file: with `encoding: {likely}` the row is {shown!r}"
    )


def _reject_other_encoding(path: Path, data: bytes, text: str, encoding: str) -> None:
    """Refuse a wrong declaration that decodes every byte, as `latin-1` does."""
    if data.isascii():
        return
    try:
        is_utf8 = bool(data.decode())
    except UnicodeDecodeError:
        is_utf8 = False
    if is_utf8 and text != data.decode():
        raise DataError(
            f"{path}: the text is UTF-8, and `encoding: {encoding}` would read other characters\n"
            "  leave `encoding` out"
        )
    controls = sorted({c for c in set(text) if 0x80 <= ord(c) <= 0x9F})
    if controls:
        row = text[: text.index(controls[0])].count("\n") + 1
        raise DataError(
            f"{path}: row {row} has the control character U+{ord(controls[0]):04X} when it is read "
            f"as {encoding}, and no text has it\n  name another encoding, such as "
            "`encoding: cp1252`"
        )
