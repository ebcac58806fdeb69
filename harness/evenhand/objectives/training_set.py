"""Classes and groups of one training set, and the subset that a goal or a bound names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.metrics import tail

ClassSubset = tuple[str, ...] | Literal["*", "head", "tail"]
"""Names of classes or their indices as text; or all classes, the head, or the tail."""


class Terms(NamedTuple):
    """The rates under several multipliers, each a weighted sum over classes or cells."""

    weights: Float[np.ndarray, "terms units"]
    """Weights of each sum."""
    names: tuple[str, ...]
    """Name of each sum."""


@dataclass(frozen=True)
class TrainingSet:
    """Counts and names of the classes and groups of a training set."""

    counts: TrainingCounts
    """Examples of each class and group."""
    classes: tuple[str, ...]
    """Names of the classes."""
    groups: tuple[str, ...]
    """Names of the groups."""

    @classmethod
    def of(
        cls,
        counts: TrainingCounts,
        classes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> TrainingSet:
        """A training set with these counts; names that are not given are the indices."""
        n_classes, n_groups = counts.shape
        return cls(
            counts,
            tuple(map(str, range(n_classes)) if classes is None else classes),
            tuple(map(str, range(n_groups)) if groups is None else groups),
        )

    def members(self, wanted: ClassSubset) -> Int[np.ndarray, " members"]:
        """Indices of a subset of classes, each once. Raises `SpecError` for an unknown name."""
        if isinstance(wanted, tuple):
            return np.array(list(dict.fromkeys(index_of(name, self.classes) for name in wanted)))
        if wanted == "*":
            return np.arange(len(self.classes))
        return np.flatnonzero(tail(self.counts.sum(1)) == (wanted == "tail"))

    def mean(self, wanted: ClassSubset) -> Float[np.ndarray, " classes"]:
        """Weights of the mean over a subset of classes."""
        chosen = self.members(wanted)
        weights = np.zeros(len(self.classes))
        weights[chosen] = 1 / chosen.size
        return weights

    def each(self, wanted: ClassSubset, *, by_group: bool = False) -> Terms:
        """One term for each class of a subset; by group, for each cell label · groups + group."""
        chosen = self.members(wanted)
        if not by_group:
            return Terms(np.eye(len(self.classes))[chosen], tuple(self.classes[y] for y in chosen))
        places = [(y, g) for y in chosen for g in range(len(self.groups))]
        rows = [y * len(self.groups) + g for y, g in places]
        names = tuple(f"{self.classes[y]}, {self.groups[g]}" for y, g in places)
        return Terms(np.eye(self.counts.size)[rows], names)


def index_of(name: str, names: Sequence[str]) -> int:
    """Index of the class with this name; if there is none, a number is an index itself.

    Raises `SpecError` for any other name.
    """
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    there = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    right = f"classes: {there}, their indices from 0, and *, head and tail"
    what = f"no class is called {name!r}"
    raise SpecError([Mistake(what, (), right, suggest(name, names).hint)])
