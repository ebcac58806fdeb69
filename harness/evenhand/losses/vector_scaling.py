"""The vector-scaling family: one formula, three vectors (kini2021label, eq. 2).

    ℓ(f, y) = −α_y · log softmax(β ⊙ f + Δ)_y

Weighted cross-entropy, logit adjustment, CDT, LDAM and VS are this formula with different vectors.
`per_class.py` holds the vectors, and `methods/` the settings of each paper. Kini et al. write ω for
our α, Δ for our β and ι for our Δ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.per_class import ONE, ZERO, PerClass, PerTrueClass
from evenhand.losses.scaling_vectors import ScalingVectors

if TYPE_CHECKING:
    import torch

    from evenhand.losses.kernel import BoundVectorScaling


@dataclass(frozen=True)
class VectorScaling(DeclaredLoss["BoundVectorScaling"]):
    """A loss of the vector-scaling family, before any data set is known.

    Each vector is called with the class counts [classes]. `per_class.py` has those of the papers,
    and any function or frozen dataclass of your own can stand in their place.

    >>> import torch
    >>> from evenhand.losses.per_class import InversePrior
    >>> loss = VectorScaling(alpha=InversePrior()).bind([90, 10])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor([0.7702, 6.9315])
    """

    alpha: PerClass = ONE
    """α [classes], the weight of an example of each class."""
    beta: PerClass | PerTrueClass = ONE
    """β [classes] or [true class, classes], the factor on the logits."""
    delta: PerClass | PerTrueClass = ZERO
    """Δ [classes] or [true class, classes], which is added to the logits."""

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

    def written_out(self, counts: TrainingCounts) -> ScalingVectors:
        """The vectors for the counts [classes, groups] of one training set.

        Raises `DataError` where a vector needs the frequency of a class that has no example.
        """
        n = counts.sum(1)
        beta, delta = (np.atleast_2d(vector(n))[:, None] for vector in (self.beta, self.delta))
        return ScalingVectors.of(self.alpha(n)[:, None], beta, delta, counts)
