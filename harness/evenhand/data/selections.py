"""Selections: the images that a profile keeps in the released code of a paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int

from evenhand.declared.trial import Selection

Indices = Int[np.ndarray, " _"]


def ldam(by_class: Sequence[Indices], wanted: Int[np.ndarray, " classes"]) -> list[Indices]:
    """Select the first n of each class, shuffled by NumPy's legacy generator with seed 0.

    The code of LDAM-DRW does this after `np.random.seed(0)`, and so do DDC, VS-Loss and
    Saddle-LongTail: all training seeds have one subset. On files in the official order the indices
    are equal to theirs, and so is the order within a class.
    """
    rng = np.random.RandomState(0)
    kept = []
    for index, n in zip(by_class, wanted, strict=True):
        shuffled = np.sort(index)
        rng.shuffle(shuffled)
        kept.append(shuffled[:n])
    return kept


SELECTIONS: dict[
    Selection, Callable[[Sequence[Indices], Int[np.ndarray, " classes"]], list[Indices]]
]
SELECTIONS = {"ldam": ldam}
