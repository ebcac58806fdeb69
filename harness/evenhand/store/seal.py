"""Checksum in front of a saved state, so that a damaged state is never resumed from.

Some damage to a file of torch is not noticed when it is loaded, and gives other numbers. A file
without this beginning is no state, whatever its size; states of earlier versions have none.
"""

from __future__ import annotations

import errno
import hashlib

from evenhand.store.files import Files

MARK = b"evenhand state 1"
DIGEST = hashlib.sha256().digest_size
HEAD = len(MARK) + 8 + DIGEST
"""Bytes in front of the content: the mark, the size of the content and its SHA-256."""


def seal(content: bytes) -> bytes:
    """The content with its size and checksum in front."""
    return b"".join((MARK, len(content).to_bytes(8), hashlib.sha256(content).digest(), content))


def read_sealed(files: Files, path: str) -> bytes:
    """The content of a sealed file. Raises `OSError` for a file that was not sealed, or damaged."""
    head = files.begin(path, HEAD)
    size = int.from_bytes(head[len(MARK) :][:8])
    if head.startswith(MARK):
        content = files.read(path, HEAD + size)[HEAD:]
        if len(content) == size and hashlib.sha256(content).digest() == head[-DIGEST:]:
            return content
    raise OSError(errno.EIO, "it is damaged, or not of this version: its checksum does not fit")
