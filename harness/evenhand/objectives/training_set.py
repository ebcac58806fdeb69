"""Which classes a goal or a bound is about, for one training set."""

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
"""Names of classes, or their indices as text; or all of them, the head, the tail."""


class Terms(NamedTuple):
    """What multipliers weigh: a row of weights for each, over classes or cells, and its name."""

    weights: Float[np.ndarray, "terms units"]
    names: tuple[str, ...]


@dataclass(frozen=True)
class TrainingSet:
    """The (label, group) cells of a training set: its counts, its classes' and groups' names."""

    counts: TrainingCounts
    classes: tuple[str, ...]
    groups: tuple[str, ...]

    @classmethod
    def of(
        cls,
        counts: TrainingCounts,
        classes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> TrainingSet:
        """Classes and groups without names are called by their indices."""
        n_classes, n_groups = counts.shape
        return cls(
            counts,
            tuple(map(str, range(n_classes)) if classes is None else classes),
            tuple(map(str, range(n_groups)) if groups is None else groups),
        )

    def members(self, wanted: ClassSubset) -> Int[np.ndarray, " members"]:
        """Indices of the classes meant, each once. Raises `SpecError` for a name there is not."""
        if isinstance(wanted, tuple):
            return np.array(list(dict.fromkeys(index_of(name, self.classes) for name in wanted)))
        if wanted == "*":
            return np.arange(len(self.classes))
        return np.flatnonzero(tail(self.counts.sum(1)) == (wanted == "tail"))

    def mean(self, wanted: ClassSubset) -> Float[np.ndarray, " classes"]:
        """Weights that turn a rate of each class into its mean over the classes meant."""
        chosen = self.members(wanted)
        weights = np.zeros(len(self.classes))
        weights[chosen] = 1 / chosen.size
        return weights

    def each(self, wanted: ClassSubset, *, by_group: bool = False) -> Terms:
        """A term for each class meant; by group, for each cell: label · groups + group."""
        chosen = self.members(wanted)
        if not by_group:
            return Terms(np.eye(len(self.classes))[chosen], tuple(self.classes[y] for y in chosen))
        places = [(y, g) for y in chosen for g in range(len(self.groups))]
        rows = [y * len(self.groups) + g for y, g in places]
        names = tuple(f"{self.classes[y]}, {self.groups[g]}" for y, g in places)
        return Terms(np.eye(self.counts.size)[rows], names)


def index_of(name: str, names: Sequence[str]) -> int:
    """The index of the class called so; where none is, a number is an index itself.

    Raises `SpecError` where neither holds.
    """
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    there = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    right = f"there are {there}, their indices from 0, and *, head and tail"
    what = f"no class is called {name!r}"
    raise SpecError([Mistake(what, (), right, suggest(name, names).hint)])
