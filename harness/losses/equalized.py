"""The softmax Equalized loss: rare classes are spared as negatives (tan2020equalization)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from harness.losses.per_class import ClassCounts, present


@dataclass(frozen=True)
class RareNegatives:
    """Δ_yc = log(1 − gamma) for c ≠ y with π_c < threshold, else 0; gamma in [0, 1).

    An example of another class weighs a rare one 1 − gamma in the softmax's normaliser.
    """

    threshold: float
    gamma: float

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]:
        n = present(counts)
        shift = np.where(n / n.sum() < self.threshold, np.log1p(-self.gamma), 0.0)
        return np.asarray(np.where(np.eye(n.size, dtype=bool), 0.0, shift))
