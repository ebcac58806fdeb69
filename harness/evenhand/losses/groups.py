"""Vector scaling over (label, group) cells: an example's row is its cell (kini2021label, eq. 3).

    ℓ(f, y, g) = −α_s · log softmax(β_s ⊙ f + Δ_s)_y,   s = (y, g)

The kernel is that of `vector_scaling.py`; `per_cell.py` holds the vectors. Groups are read while
training alone: the network predicts from its logits as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_cell import ONE_EACH, ONES, ZEROS, PerCell, PerCellAndClass

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundVectorScaling


@dataclass(frozen=True)
class GroupScaling(DeclaredLoss["BoundVectorScaling"]):
    """A member of the family over cells, before any data set is known.

    alpha weighs an example, beta multiplies its logits, delta is added to them.
    """

    alpha: PerCell = ONE_EACH
    beta: PerCellAndClass = ONES
    delta: PerCellAndClass = ZEROS

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundVectorScaling:
        """Fill in the vectors for one training set; counts is [classes, groups].

        Raises `DataError` where a vector needs the size of a cell that has no example.
        """
        from evenhand.losses.kernel import BoundVectorScaling, by_cell, by_cell_and_class

        return BoundVectorScaling(
            alpha=by_cell(self.alpha(counts), device),
            beta=by_cell_and_class(self.beta(counts), device),
            delta=by_cell_and_class(self.delta(counts), device),
        )
