"""Classes of like frequency, which share what is learned for them (li2021autobalance, Sec. 2.2).

The paper's sizes are 1, 10, 20 and 40 for CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist. The
released code repeats each cluster's numbers `size` times, which fails where the size does not
divide the number of classes (8142 of iNaturalist by 40 or 20); here the last cluster is shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int, Real

Symbol = Literal["l", "delta", "tau", "w"]
"""What a learned loss may learn, by the letters of li2021autobalance."""


def clusters(
    counts: Real[np.ndarray, " classes"], size: int
) -> list[Int[np.ndarray, " classes_of_one"]]:
    """Indices of the classes of each cluster, the most frequent first; the last may be shorter.

    Classes with equally many examples stay in order of index.
    """
    assert size >= 1, "a cluster has a class"
    by_frequency = np.argsort(-np.asarray(counts, np.float64), kind="stable")
    return [by_frequency[i : i + size] for i in range(0, len(by_frequency), size)]


@dataclass(frozen=True)
class FrequencyClusters:
    """Clusters of `size` classes each, by training count."""

    size: int

    def __call__(self, counts: Real[np.ndarray, " classes"]) -> Int[np.ndarray, " classes"]:
        """The cluster of each class, from 0 for the most frequent."""
        cluster = np.empty(len(counts), np.int64)
        for number, classes in enumerate(clusters(counts, self.size)):
            cluster[classes] = number
        return cluster


def cluster_name(cells: Sequence[int] | np.ndarray, n_groups: int) -> str:
    """`3`, `classes 0–9`, `classes 7, 2, 5, … (20)`; `class 1, group 0` where there are groups."""
    ordered = sorted(int(cell) for cell in cells)
    if n_groups > 1:
        shown = [f"class {cell // n_groups}, group {cell % n_groups}" for cell in map(int, cells)]
        return shown[0] if len(shown) == 1 else f"{shown[0]} and {len(shown) - 1} more"
    if len(ordered) == 1:
        return str(ordered[0])
    if ordered[-1] - ordered[0] + 1 == len(ordered):
        return f"classes {ordered[0]}–{ordered[-1]}"
    first = ", ".join(str(int(cell)) for cell in cells[:3])
    return f"classes {first}" if len(ordered) <= 3 else f"classes {first}, … ({len(ordered)})"
