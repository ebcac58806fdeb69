"""Names of files from names of problems: unique, short, and of letters that every system takes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

LONGEST = 80
"""Characters of a name; file systems take 255 bytes, with the folder's own limits on paths."""

DIGITS = 8
"""Digits of the digest that tells names apart."""


def slug(name: str) -> str:
    """A name with `-` for everything but ASCII letters, digits, full stops and hyphens."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name)


def shortened(text: str, name: str) -> str:
    """A text of at most `LONGEST` characters; a longer one ends in the digest of `name`."""
    return text if len(text) <= LONGEST else _with_digest(text, name)


def file_names(names: Sequence[str]) -> list[str]:
    """A file name for each name, without an ending.

    Names whose file names would be equal, also where a file system ignores case, end in a digest.
    Equal names are numbered.

    >>> file_names(["birds_v1", "cats"])
    ['birds-v1', 'cats']
    >>> [name[:9] for name in file_names(["birds_v1", "birds-v1"])]
    ['birds-v1-', 'birds-v1-']
    """
    clashes = Counter(slug(name).casefold() for name in dict.fromkeys(names))
    found: list[str] = []
    used: set[str] = set()
    for name in names:
        text = slug(name)
        is_clear = clashes[text.casefold()] == 1 and any(map(str.isalnum, text))
        base = shortened(text, name) if is_clear else _with_digest(text, name)
        unique, number = base, 1
        while unique.casefold() in used:
            number += 1
            unique = f"{base}-{number}"
        used.add(unique.casefold())
        found.append(unique)
    return found


def _with_digest(text: str, name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGITS]
    return f"{text[: LONGEST - DIGITS - 1]}-{digest}"
