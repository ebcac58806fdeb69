"""Clusters of classes of similar frequency, which share learned parameters.

The method is that of li2021autobalance, Sec. 2.2, with clusters of 1, 10, 20 and 40 classes for
CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist. The released code repeats the parameters of each
cluster `size` times, which fails where the size does not divide the number of classes (8142 of
iNaturalist by 40 or 20). Here the last cluster has fewer classes in that case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int, Real

Symbol = Literal["l", "delta", "tau", "w"]
"""Parameter of a learned loss, in the notation of li2021autobalance."""


def clusters(
    counts: Real[np.ndarray, " classes"], size: int
) -> list[Int[np.ndarray, " classes_of_one"]]:
    """Indices of the classes of each cluster, the most frequent first.

    The last cluster may have fewer classes. Classes with the same count stay in order of index.
    """
    assert size >= 1, "a cluster has a class"
    by_frequency = np.argsort(-np.asarray(counts, np.float64), kind="stable")
    return [by_frequency[i : i + size] for i in range(0, len(by_frequency), size)]


@dataclass(frozen=True)
class FrequencyClusters:
    """Clusters of classes with similar training counts."""

    size: int
    """Number of classes in a cluster."""

    def __call__(self, counts: Real[np.ndarray, " classes"]) -> Int[np.ndarray, " classes"]:
        """Index of the cluster of each class, from 0 for the most frequent classes."""
        cluster = np.empty(len(counts), np.int64)
        for number, classes in enumerate(clusters(counts, self.size)):
            cluster[classes] = number
        return cluster


def cluster_name(cells: Sequence[int] | np.ndarray, n_groups: int) -> str:
    """Name of a cluster: `3`, `classes 0–9` or `classes 7, 2, 5, … (20)`.

    With several groups it is `class 1, group 0` for one cell, else `class 1, group 0 and 3 more`.
    """
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
