"""Names of classes and groups of a user's own rows, and their numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

MAX_SHOWN = 5
"""Largest number of pairs of names that a note lists."""


class Numbered(NamedTuple):
    """The number of the name of each row, and the names by number."""

    numbers: Int[np.ndarray, " rows"]
    names: tuple[str, ...]


def numbered(texts: np.ndarray) -> Numbered:
    """Number the names of rows in sorted order."""
    given = texts.tolist()
    names = in_order(list({*given}))
    place = {name: i for i, name in enumerate(names)}
    return Numbered(np.array([place[text] for text in given], dtype=np.int64), names)


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Names sorted by alphabet, or by value where all of them are numbers."""
    values = {name: _value(name) for name in names}
    if None in values.values():
        return tuple(sorted(names))
    return tuple(sorted(names, key=lambda name: (values[name], name)))


def similar_names(names: Sequence[str], what: str) -> tuple[str, ...]:
    """Sentence on names that are kept apart although they may mean one thing; () without any.

    They differ in case, in spaces, in a point at the end, in characters that look alike or are
    invisible, or in how a number is written.
    """
    seen: dict[str | Decimal, str] = {}
    pairs = []
    for name in names:
        value = _value(name)
        other = seen.setdefault(_plain(name) if value is None else value, name)
        if other != name:
            pairs.append(f"{other!r} and {name!r}")
    if not pairs:
        return ()
    more = f" and {len(pairs) - MAX_SHOWN} more pairs" if len(pairs) > MAX_SHOWN else ""
    return (f"different {what}: {', '.join(pairs[:MAX_SHOWN])}{more}",)


def _plain(name: str) -> str:
    visible = [c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf"]
    return re.sub(r"\s+", " ", "".join(visible)).strip(" .").casefold()


def _value(name: str) -> Decimal | None:
    """The number that a name is; None where it is none, as `nan`, `inf` and `1_0`."""
    is_number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", name, re.ASCII)
    return Decimal(name) if is_number else None
