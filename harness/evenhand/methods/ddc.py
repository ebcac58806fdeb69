"""Deferred weights π^−ν (ADRW) and truncated logit scaling (TLA): wang2023unified, Algorithm 1.

The second stage weighs classes by α ∝ π^−ν (ADRW) or by effective numbers (DRW); TLA also sets
β = 1 there and keeps Δ.

The paper's ν are in an appendix that we have not seen. With a loss that is not balanced by itself
we take ν = 0.5, ours: it makes the factor α_y·√π_y of the paper's bound the same for all classes.
With VS, whose Δ already balances, we take 0.15, which the released 400-epoch script has for
CIFAR-10-LT-100 (0.05 to 0.25 over all problems).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method
from evenhand.declared.registry import method
from evenhand.losses.per_class import ONE, CountPower, EffectiveNumber, LogPrior, PriorPower
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.ldam import Margin, Scale, margins
from evenhand.methods.schedules import Share, two_stage

Gamma = Annotated[float, Field(ge=0)]
Nu = Annotated[float, Field(ge=0, le=5)]
"""Beyond 5 a batch of frequent classes could weigh nothing in float32, and its mean be 0/0."""


@method(cite="wang2023unified", title="ERM+ADRW", aliases=("ce_adrw",))
def erm_adrw(nu: Nu = 0.5, start: Share = 0.8) -> Method:
    """Cross-entropy; class weights π^−ν only once the features have settled."""
    return two_stage(VectorScaling(), VectorScaling(alpha=PriorPower(nu)), start=start)


@method(cite="wang2023unified", title="LDAM+ADRW")
def ldam_adrw(
    margin: Margin = 0.5, scale: Scale = 30.0, nu: Nu = 0.5, start: Share = 0.8
) -> Method:
    """LDAM margins throughout; class weights π^−ν only once the features have settled."""
    first = margins(margin, scale)
    return two_stage(first, replace(first, alpha=PriorPower(nu)), start=start, head="cosine")


@method(cite="wang2023unified", title="VS+ADRW")
def vs_adrw(tau: float = 1.0, gamma: Gamma = 0.15, nu: Nu = 0.15, start: Share = 0.8) -> Method:
    """Vector scaling throughout; class weights π^−ν only once the features have settled."""
    first = VectorScaling(beta=CountPower(gamma), delta=LogPrior(tau))
    return two_stage(first, replace(first, alpha=PriorPower(nu)), start=start)


@method(cite="wang2023unified", title="VS+TLA+DRW")
def vs_tla_drw(
    tau: float = 1.0,
    gamma: Gamma = 0.15,
    b: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    start: Share = 0.8,
) -> Method:
    """Vector scaling; then the shift alone, with effective-number weights."""
    first = VectorScaling(beta=CountPower(gamma), delta=LogPrior(tau))
    then = replace(first, alpha=EffectiveNumber(b), beta=ONE)
    return two_stage(first, then, start=start)


@method(cite="wang2023unified", title="VS+TLA+ADRW")
def vs_tla_adrw(tau: float = 1.0, gamma: Gamma = 0.15, nu: Nu = 0.15, start: Share = 0.8) -> Method:
    """Vector scaling; then the shift alone, with class weights π^−ν."""
    first = VectorScaling(beta=CountPower(gamma), delta=LogPrior(tau))
    then = replace(first, alpha=PriorPower(nu), beta=ONE)
    return two_stage(first, then, start=start)
