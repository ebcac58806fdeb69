"""Vectors over the (class, group) cells: frozen, called with the training counts, NumPy float64.

    N_s   training examples of cell s = (y, g)      N_g = Σ_y N_yg     those of group g
    N     all of them                               K  number of cells

Each docstring is a formula. One that reads the counts raises `DataError` where a cell has no
example. `OwnOffset`, `EveryLogit` and `WithinGroup` say which logits of an example the numbers of
the cells are for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import DataError

SHOWN = 8
"""Empty cells that a message names one by one."""


@runtime_checkable
class PerCell(Protocol):
    """One number for each cell."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]: ...


@runtime_checkable
class PerCellAndClass(Protocol):
    """Entry [y, g, c] is for logit c of an example of class y in group g."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]: ...


def present_cells(
    counts: TrainingCounts, *, classes: Sequence[str] = (), groups: Sequence[str] = ()
) -> Float[np.ndarray, "classes groups"]:
    """The counts in float64. Raises `DataError` naming the cells without an example.

    classes and groups are their names; without them cells are called by index.
    """
    empty = np.argwhere(counts <= 0)
    if not empty.size:
        return np.asarray(counts, np.float64)
    named = [
        f"class {classes[y] if classes else y} in group {groups[g] if groups else g}"
        for y, g in empty[:SHOWN]
    ]
    more = ", …" if len(empty) > SHOWN else ""
    n_classes, n_groups = counts.shape
    held = counts[counts > 0]
    rest = f"the others hold {held.min():g} to {held.max():g}" if held.size else "all are empty"
    raise DataError(
        f"no training example of {len(empty)} of {n_classes} × {n_groups} cells: "
        f"{', '.join(named)}{more}; {rest}\n"
        "  a loss, sampler or reduction over cells needs one of each\n"
        "  leave the class out, join groups, or set fewer examples aside for validation"
    )


@dataclass(frozen=True)
class SameForAll:
    """The same value for every cell."""

    value: float

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        return np.full(counts.shape, self.value, np.float64)


@dataclass(frozen=True)
class CellPower:
    """factor · (N_s / max N)^γ: kini2021label's β_s^γ (Sec. 5.2)."""

    gamma: float
    factor: float = 1.0

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.asarray(self.factor * (n / n.max()) ** self.gamma)


@dataclass(frozen=True)
class InverseCell:
    """N / (K · N_s): every cell counts alike, and the mean over the training set is 1."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.asarray(n.sum() / (n.size * n))


@dataclass(frozen=True)
class InverseGroup:
    """N / (G · N_g) for G groups, whatever the class: ∝ 1/π̄_g (li2021autobalance, Sec. 4).

    The mean over the training set is 1, so that shares of mixtures are what they say.
    """

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.broadcast_to(n.sum() / (n.shape[1] * n.sum(0)), n.shape).copy()


@dataclass(frozen=True)
class LogPriorInGroup:
    """τ · log(N_s / N_g): the log prior of the class, given the group."""

    tau: float = 1.0

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.asarray(self.tau * (np.log(n) - np.log(n.sum(0))))


@dataclass(frozen=True)
class EveryLogit:
    """Entry [y, g, c] = v_yg: the number of the example's cell, for all of its logits."""

    vector: PerCell

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]:
        return np.repeat(self.vector(counts)[:, :, None], len(counts), axis=2)


@dataclass(frozen=True)
class OwnOffset:
    """Entry [y, g, c] = v_yg for c = y, else 0: the number of its cell, for its true logit alone.

    An offset; as a factor it would remove the other logits.
    """

    vector: PerCell

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]:
        return np.asarray(self.vector(counts)[:, :, None] * np.eye(len(counts))[:, None, :])


@dataclass(frozen=True)
class WithinGroup:
    """Entry [y, g, c] = v_cg: all cells of the example's group, each for the logit of its class."""

    vector: PerCell

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]:
        return np.repeat(self.vector(counts).T[None], len(counts), axis=0)


ONE_EACH = SameForAll(1.0)
ONES = EveryLogit(ONE_EACH)
ZEROS = EveryLogit(SameForAll(0.0))
