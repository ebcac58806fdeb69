"""The vector-scaling loss (kini2021label), alone and with deferred re-weighting."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.per_class import EffectiveNumber
from evenhand.methods.schedules import Share, two_stage


@method(cite="kini2021label", title="VS")
def vs(tau: float = 1.0, gamma: Annotated[float, Field(ge=0)] = 0.15) -> Method:
    """Vector scaling: multiply and shift each logit in the loss, both by class frequency.

        ℓ(f, y) = −log softmax(β ⊙ f + Δ)_y,   β_c = (n_c / n_max)^γ,   Δ_c = τ · log π_c

    kini2021label, eq. 2, where β is written Δ and Δ is written ι. γ = 0 gives `la`, τ = 0 gives
    `cdt`. Prediction uses the logits without β and Δ.

    tau    τ of the offsets; the default 1 is that of the released code
    gamma  γ of the factors; the default 0.15 is that of the paper's Fig. 4(c), whose τ is −0.5,
           and the released code has 0.3. The paper tunes both for each problem and prints the
           values in a supplement that we could not open
    """
    return Method(Stage(loss=losses.vs(tau, gamma)))


@method(cite="kini2021label", title="VS+DRW")
def vs_drw(
    tau: float = 1.0,
    gamma: Annotated[float, Field(ge=0)] = 0.15,
    b: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    start: Share = 0.8,
) -> Method:
    """Vector scaling with deferred re-weighting (DRW) by the effective number.

    The loss of `vs` throughout, with the weights α_y ∝ (1 − b) / (1 − b^n_y) in the second stage.

    tau, gamma  as in `vs`
    b, start    as in `ldam_drw`
    """
    scaled = losses.vs(tau, gamma)
    return two_stage(scaled, replace(scaled, alpha=EffectiveNumber(b)), start=start)
