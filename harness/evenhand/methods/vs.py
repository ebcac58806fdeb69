"""The vector-scaling loss (kini2021label), alone and with deferred weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.per_class import CountPower, EffectiveNumber, LogPrior
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.schedules import Share, two_stage


@method(cite="kini2021label", title="VS")
def vs(tau: float = 1.0, gamma: Annotated[float, Field(ge=0)] = 0.15) -> Method:
    """Vector scaling: shift every logit and scale it, both by class frequency.

    The paper tunes τ and γ for each problem and leaves them to its supplement. 0.15 is the γ of
    its Fig. 4(c), whose τ is −0.5; its code's defaults are (1, 0.3).
    """
    return Method(Stage(loss=VectorScaling(beta=CountPower(gamma), delta=LogPrior(tau))))


@method(cite="kini2021label", title="VS+DRW")
def vs_drw(
    tau: float = 1.0,
    gamma: Annotated[float, Field(ge=0)] = 0.15,
    b: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    start: Share = 0.8,
) -> Method:
    """Vector scaling throughout; class weights only once the features have settled.

    τ and γ as in `vs`; b and start as in `ldam_drw`.
    """
    scaled = VectorScaling(beta=CountPower(gamma), delta=LogPrior(tau))
    return two_stage(scaled, replace(scaled, alpha=EffectiveNumber(b)), start=start)
