"""The vector-scaling loss as kini2021label writes it for two classes (eq. 1), for its Fig. 2.

Its offsets have the opposite sign of eq. 2's, which `vs` follows, and it scales both logits of an
example by the Δ of its class; see `evenhand.losses.binary`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.binary import Offset, OwnOffset, RarestScaled
from evenhand.losses.per_class import ONE, InversePrior
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="kini2021label", title="Binary VS")
def binary_vs(
    ratio: Annotated[float, Field(gt=0)] = 1.0, iota: Offset = "none", weighted: bool = False
) -> Method:
    """VS in its binary form: the rare class is scaled by 1/ratio, shifted and weighted.

    ratio     Δ_−/Δ_+: Δ is 1/ratio for the rare class and 1 for the other. On separable data CDT
              and VS tend to `cs_svm` of this delta (kini2021label, Theorem 1) through the origin,
              or with the intercept among what is least: whatever the rest is
    iota      log_odds is LA of the paper's Fig. 2(a), log_inverse_prior that of 2(b, c), and
              fourth_root, π^−¼, its LDAM
    weighted  by ω_y = 1/π_y, over the batch's size as the formula is printed
    """
    loss = VectorScaling(
        alpha=InversePrior() if weighted else ONE,
        beta=RarestScaled(1 / ratio),
        delta=OwnOffset(iota),
    )
    return Method(Stage(loss=loss))
