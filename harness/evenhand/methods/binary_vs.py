"""The vector-scaling loss for two classes (kini2021label, eq. 1), as in the paper's Fig. 2.

The offsets of eq. 1 have the opposite sign of those of eq. 2, which `vs` follows, and both logits
of an example are scaled by the Δ of its class; see `evenhand.losses.binary`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.binary import Offset, OwnOffset, RarestScaled
from evenhand.losses.per_class import ONE, InversePrior
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="kini2021label", title="Binary VS")
def binary_vs(
    ratio: Annotated[float, Field(gt=0)] = 1.0, iota: Offset = "none", weighted: bool = False
) -> Method:
    """Vector scaling in its binary form, with weights, offsets and factors by class.

        ℓ(f, y) = ω_y · log(1 + exp(ι_y − Δ_y · y f)),   f = f_1 − f_0,   y = ±1

    kini2021label, eq. 1. ERM is ω = 1, ι = 0, Δ = 1.

    ratio     Δ_−/Δ_+: Δ is 1/ratio for the rare class and 1 for the other. On separable data
              gradient descent on CDT and VS converges in direction to `cs_svm` with this delta
              (kini2021label, Theorem 1), for a line through the origin, or for one whose intercept
              is part of the norm. ω and ι do not change this limit
    iota      "log_odds" is LA in the paper's Fig. 2(a), "log_inverse_prior" LA in Fig. 2(b, c), and
              "fourth_root", π^−¼, its LDAM
    weighted  whether ω_y = 1/π_y; the sum is divided by the batch size, as the formula is printed
    """
    loss = VectorScaling(
        alpha=InversePrior() if weighted else ONE,
        beta=RarestScaled(1 / ratio),
        delta=OwnOffset(iota),
    )
    return Method(Stage(loss=loss))
