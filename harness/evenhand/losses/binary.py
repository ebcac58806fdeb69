"""Vectors of the vector-scaling loss in its binary form (kini2021label, eq. 1).

    ℓ(f, y) = ω_y log(1 + exp(ι_y − Δ_y y f)),   f = f_1 − f_0

Here Δ_y scales both logits of an example of class y, whereas eq. 2 scales the logit of each class
for all examples alike; and ι_y is subtracted from the true logit alone. In the kernel both have one
row for each true class. The form extends to more classes: log Σ_c exp(ι_y [c≠y] + Δ_y (f_c − f_y)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from evenhand.losses.per_class import ClassCounts, present

Offset = Literal["none", "log_odds", "log_inverse_prior", "fourth_root"]


@dataclass(frozen=True)
class RarestScaled:
    """β_yc = scale where y is the rarest class, and 1 for other y.

    Of several equally rare classes, the last one is scaled.
    """

    scale: float
    """Factor on all logits of an example of the rarest class."""

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]:
        scales = np.ones(len(counts))
        scales[len(counts) - 1 - int(np.argmin(counts[::-1]))] = self.scale
        return np.repeat(scales[:, None], len(counts), axis=1)


@dataclass(frozen=True)
class OwnOffset:
    """Δ_yc = −ι_y for c = y, and 0 for other c."""

    offset: Offset
    """Formula of ι_y.

    "none" is 0, "log_odds" log((1 − π_y)/π_y), "log_inverse_prior" log(1/π_y) and "fourth_root"
    π_y^−¼.
    """

    def __call__(self, counts: ClassCounts) -> Float[np.ndarray, "classes classes"]:
        if self.offset == "none":
            return np.zeros((len(counts), len(counts)))
        n = present(counts)
        pi = n / n.sum()
        forms = {
            "log_odds": np.log((n.sum() - n) / n),
            "log_inverse_prior": -np.log(pi),
            "fourth_root": pi**-0.25,
        }
        return np.diag(-forms[self.offset])
