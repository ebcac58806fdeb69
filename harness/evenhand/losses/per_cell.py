"""Vectors over (class, group) cells, computed from the training counts in NumPy float64.

    N_s   training examples of cell s = (y, g)      N_g = Σ_y N_yg     those of group g
    N     number of training examples               K  number of cells

Each vector is a frozen dataclass whose docstring is its formula. A formula that depends on the
counts raises `DataError` where a cell has no example. `OwnOffset`, `EveryLogit` and `WithinGroup`
assign the numbers of the cells to the logits of an example.
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
"""Largest number of empty cells that an error message lists."""


@runtime_checkable
class PerCell(Protocol):
    """Function that computes one number for each cell from the training counts."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]: ...


@runtime_checkable
class PerCellAndClass(Protocol):
    """Function whose entry [y, g, c] is for logit c of an example of class y in group g."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]: ...


def present_cells(
    counts: TrainingCounts, *, classes: Sequence[str] = (), groups: Sequence[str] = ()
) -> Float[np.ndarray, "classes groups"]:
    """Counts in float64. Raises `DataError` that names the cells without an example.

    classes and groups are names for the message; without them it gives indices.
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
    """The value."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        return np.full(counts.shape, self.value, np.float64)


@dataclass(frozen=True)
class CellPower:
    """factor · (N_s / max N)^γ, the β of cells in kini2021label, Sec. 5.2."""

    gamma: float
    """Exponent γ."""
    factor: float = 1.0
    """Factor on all values."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.asarray(self.factor * (n / n.max()) ** self.gamma)


@dataclass(frozen=True)
class InverseCell:
    """N / (K · N_s), which gives every cell the same total weight and a mean weight of 1."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.asarray(n.sum() / (n.size * n))


@dataclass(frozen=True)
class InverseGroup:
    """N / (G · N_g) for G groups and every class: ∝ 1/π̄_g (li2021autobalance, Sec. 4).

    The mean over the training set is 1, so that `share` of a mixture is a share of total weight.
    """

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.broadcast_to(n.sum() / (n.shape[1] * n.sum(0)), n.shape).copy()


@dataclass(frozen=True)
class LogPriorInGroup:
    """τ · log(N_s / N_g), with the log prior of the class given the group."""

    tau: float = 1.0
    """Factor τ."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups"]:
        n = present_cells(counts)
        return np.asarray(self.tau * (np.log(n) - np.log(n.sum(0))))


@dataclass(frozen=True)
class EveryLogit:
    """Entry [y, g, c] = v_yg, the number of the cell of the example, for all of its logits."""

    vector: PerCell
    """v, one number for each cell."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]:
        return np.repeat(self.vector(counts)[:, :, None], len(counts), axis=2)


@dataclass(frozen=True)
class OwnOffset:
    """Entry [y, g, c] = v_yg for c = y, else 0, which affects the true logit alone.

    It can be an offset only; as a factor it would set the other logits to 0.
    """

    vector: PerCell
    """v, one number for each cell."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]:
        return np.asarray(self.vector(counts)[:, :, None] * np.eye(len(counts))[:, None, :])


@dataclass(frozen=True)
class WithinGroup:
    """Entry [y, g, c] = v_cg, which gives each logit the cell of its class in the same group."""

    vector: PerCell
    """v, one number for each cell."""

    def __call__(self, counts: TrainingCounts) -> Float[np.ndarray, "classes groups classes"]:
        return np.repeat(self.vector(counts).T[None], len(counts), axis=0)


ONE_EACH = SameForAll(1.0)
ONES = EveryLogit(ONE_EACH)
ZEROS = EveryLogit(SameForAll(0.0))
