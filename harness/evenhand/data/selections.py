"""Which images a profile keeps, where a paper's code says it by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int

from evenhand.declared.trial import Selection

Index = Int[np.ndarray, " _"]


def ldam(by_class: Sequence[Index], wanted: Int[np.ndarray, " classes"]) -> list[Index]:
    """Each class shuffled by NumPy's legacy generator at seed 0, class by class; then the first n.

    This is what LDAM-DRW does after `np.random.seed(0)`, and DDC, VS-Loss and Saddle-LongTail with
    it: one subset for every training seed. Index for index the same on the official order, and in
    the same order within a class.
    """
    rng = np.random.RandomState(0)
    kept = []
    for index, n in zip(by_class, wanted, strict=True):
        shuffled = np.sort(index)
        rng.shuffle(shuffled)
        kept.append(shuffled[:n])
    return kept


SELECTIONS: dict[Selection, Callable[[Sequence[Index], Int[np.ndarray, " classes"]], list[Index]]]
SELECTIONS = {"ldam": ldam}
