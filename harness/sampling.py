"""Which training examples make up an epoch. `spec.method.EveryExample` is the usual one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real

from harness.spec.method import Counts


@dataclass(frozen=True)
class ClassWeighted:
    """Draw with replacement; an example of class y has probability ∝ weight_y.

    weight is a vector over classes, called with their counts. `InversePrior()` draws every class
    equally often.
    """

    weight: Callable[[Real[np.ndarray, " classes"]], Float[np.ndarray, " classes"]]

    def weights(self, counts: Counts) -> Float[np.ndarray, "classes groups"]:
        """Relative probability of one example of each cell; the groups of a class share one."""
        by_class = self.weight(counts.sum(1))
        return np.repeat(by_class[:, None], counts.shape[1], axis=1)
