"""Names of classes and groups of a user's own rows, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Numbered(NamedTuple):
    """The number of the name of each row, and the names by number."""

    numbers: Int[np.ndarray, " rows"]
    names: tuple[str, ...]


def numbered(texts: np.ndarray) -> Numbered:
    """Number the names of rows in sorted order."""
    names = in_order(list({*texts.tolist()}))
    place = {name: i for i, name in enumerate(names)}
    return Numbered(np.array([place[text] for text in texts], dtype=np.int64), names)


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Names sorted by alphabet, or by value where all of them are numbers."""
    try:
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    except ValueError:
        return tuple(sorted(names))
