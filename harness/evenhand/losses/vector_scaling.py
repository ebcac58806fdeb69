"""The vector-scaling family: one formula, three vectors (kini2021label, eq. 2).

    ℓ(f, y) = −α_y · log softmax(β ⊙ f + Δ)_y

Weighted cross-entropy, logit adjustment, CDT, LDAM and VS are this formula with different vectors.
`per_class.py` holds the vectors; `methods/` says which paper uses which. Kini et al. write ω for
our α, Δ for our β and ι for our Δ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_class import ONE, ZERO, PerClass, PerTrueClass

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundVectorScaling


@dataclass(frozen=True)
class VectorScaling(DeclaredLoss["BoundVectorScaling"]):
    """A member of the family, before any dataset is known.

    alpha weighs an example, beta multiplies the logits, delta is added to them.
    """

    alpha: PerClass = ONE
    beta: PerClass | PerTrueClass = ONE
    delta: PerClass | PerTrueClass = ZERO

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundVectorScaling:
        """Fill in the vectors for one training set; counts is [classes, groups].

        Raises `DataError` where a vector needs the frequency of a class that has no example.
        """
        from evenhand.losses.kernel import BoundVectorScaling, by_row, by_row_and_class

        n = counts.sum(1)
        return BoundVectorScaling(
            alpha=by_row(self.alpha(n), counts, device),
            beta=by_row_and_class(self.beta(n), counts, device),
            delta=by_row_and_class(self.delta(n), counts, device),
        )
