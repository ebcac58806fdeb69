"""Vector scaling over (label, group) cells (kini2021label, eq. 3).

    ℓ(f, y, g) = −α_s · log softmax(β_s ⊙ f + Δ_s)_y,   s = (y, g)

The kernel is that of `vector_scaling.py`, with one row for each cell; `per_cell.py` holds the
vectors. Groups are used in training only, and predictions are the argmax of the unchanged logits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_cell import ONE_EACH, ONES, ZEROS, PerCell, PerCellAndClass
from evenhand.losses.scaling_vectors import ScalingVectors

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundVectorScaling


@dataclass(frozen=True)
class GroupScaling(DeclaredLoss["BoundVectorScaling"]):
    """A loss of the vector-scaling family over (class, group) cells, before any data set is known.

    Each vector is called with the counts [classes, groups]; `per_cell.py` has those of the papers.

    >>> import torch
    >>> from evenhand.losses.per_cell import InverseCell
    >>> loss = GroupScaling(alpha=InverseCell()).bind([[90, 10], [10, 90]])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 0]), torch.tensor([0, 1]))
    tensor([0.3851, 3.4657])
    """

    alpha: PerCell = ONE_EACH
    """α [classes, groups], the weight of an example of each cell."""
    beta: PerCellAndClass = ONES
    """β [classes, groups, classes], the factor on the logits of an example of each cell."""
    delta: PerCellAndClass = ZEROS
    """Δ [classes, groups, classes], which is added to the logits of an example of each cell."""

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundVectorScaling:
        """Fill in the vectors for one training set; counts is [classes, groups].

        Raises `DataError` where a vector needs the size of a cell that has no example.
        """
        from evenhand.losses.kernel import BoundVectorScaling, by_cell, by_cell_and_class

        return BoundVectorScaling(
            alpha=by_cell(self.alpha(counts), counts, device),
            beta=by_cell_and_class(self.beta(counts), counts, device),
            delta=by_cell_and_class(self.delta(counts), counts, device),
        )

    def written_out(self, counts: TrainingCounts) -> ScalingVectors:
        """The vectors for the counts [classes, groups] of one training set.

        Raises `DataError` where a vector needs the size of a cell that has no example.
        """
        return ScalingVectors.of(self.alpha(counts), self.beta(counts), self.delta(counts), counts)
