"""The vectors of a loss of the vector-scaling family, written out for one training set."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import TrainingCounts


class ScalingVectors(NamedTuple):
    """α, β and Δ of −α_s · log softmax(β_s ⊙ f + Δ_s)_y for every cell s of class and group."""

    alpha: Float[np.ndarray, "classes groups"]
    """Weight of an example of each cell."""
    beta: Float[np.ndarray, "classes groups classes"]
    """Factor on the logits of an example of each cell."""
    delta: Float[np.ndarray, "classes groups classes"]
    """Offset of the logits of an example of each cell."""

    @classmethod
    def of(cls, alpha: Any, beta: Any, delta: Any, counts: TrainingCounts) -> ScalingVectors:
        """The vectors in their full shapes, from shapes that can be broadcast to them."""
        cells = (*counts.shape, len(counts))
        given = [np.asarray(vector, np.float64) for vector in (alpha, beta, delta)]
        shapes = (counts.shape, cells, cells)
        return cls(*(np.broadcast_to(v, s) for v, s in zip(given, shapes, strict=True)))
