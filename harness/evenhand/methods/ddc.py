"""Deferred weights π^−ν (ADRW) and truncated logit adjustment (TLA): wang2023unified.

Both are changes of the second stage in Algorithm 1. Its weights are α ∝ π^−ν under ADRW and follow
the effective number under DRW. TLA sets β = 1 there and keeps Δ.

The paper prints its ν in an appendix that we have not seen. With losses that are not balanced by
themselves the default is 0.5, which is ours: it makes the factor α_y·√π_y of the paper's bound
equal for all classes. With VS, where Δ already balances the classes, the default is 0.15, which the
released 400-epoch script has for CIFAR-10-LT-100 (0.05 to 0.25 over all problems).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method
from evenhand.losses.per_class import ONE, EffectiveNumber, PriorPower
from evenhand.methods.ldam import Margin, Scale
from evenhand.methods.schedules import Share, two_stage

Gamma = Annotated[float, Field(ge=0)]
Nu = Annotated[float, Field(ge=0, le=5)]
"""At most 5: beyond, the weights of a batch of frequent classes could all be 0 in float32."""


@method(cite="wang2023unified", title="ERM+ADRW", aliases=("ce_adrw",))
def erm_adrw(nu: Nu = 0.5, start: Share = 0.8) -> Method:
    """Cross-entropy with deferred re-weighting by π^−ν (ADRW).

    The loss of `erm`, with the weights α_y ∝ π_y^−ν in the second stage.

    nu     ν, the strength of the weights; 0 gives equal weights, 1 inverse frequency
    start  share of the epochs after which the weights begin, epoch 160 of 200
    """
    return two_stage(losses.ce(), losses.prior_power(nu), start=start)


@method(cite="wang2023unified", title="LDAM+ADRW")
def ldam_adrw(
    margin: Margin = 0.5, scale: Scale = 30.0, nu: Nu = 0.5, start: Share = 0.8
) -> Method:
    """Label-distribution-aware margins with deferred re-weighting by π^−ν (ADRW).

    The loss of `ldam`, with the weights α_y ∝ π_y^−ν in the second stage.

    margin, scale  as in `ldam`
    nu, start      as in `erm_adrw`
    """
    first = losses.ldam(margin, scale)
    return two_stage(first, replace(first, alpha=PriorPower(nu)), start=start, head="cosine")


@method(cite="wang2023unified", title="VS+ADRW")
def vs_adrw(tau: float = 1.0, gamma: Gamma = 0.15, nu: Nu = 0.15, start: Share = 0.8) -> Method:
    """Vector scaling with deferred re-weighting by π^−ν (ADRW).

    The loss of `vs`, with the weights α_y ∝ π_y^−ν in the second stage.

    tau, gamma  as in `vs`
    nu, start   as in `erm_adrw`
    """
    first = losses.vs(tau, gamma)
    return two_stage(first, replace(first, alpha=PriorPower(nu)), start=start)


@method(cite="wang2023unified", title="VS+TLA+DRW")
def vs_tla_drw(
    tau: float = 1.0,
    gamma: Gamma = 0.15,
    b: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    start: Share = 0.8,
) -> Method:
    """Vector scaling with truncated logit adjustment (TLA) and effective-number weights (DRW).

    The loss of `vs`; in the second stage β = 1, Δ stays and α_y ∝ (1 − b) / (1 − b^n_y).

    tau, gamma  as in `vs`
    b, start    as in `ldam_drw`
    """
    first = losses.vs(tau, gamma)
    then = replace(first, alpha=EffectiveNumber(b), beta=ONE)
    return two_stage(first, then, start=start)


@method(cite="wang2023unified", title="VS+TLA+ADRW")
def vs_tla_adrw(tau: float = 1.0, gamma: Gamma = 0.15, nu: Nu = 0.15, start: Share = 0.8) -> Method:
    """Vector scaling with truncated logit adjustment (TLA) and weights π^−ν (ADRW).

    The loss of `vs`; in the second stage β = 1, Δ stays and α_y ∝ π_y^−ν.

    tau, gamma  as in `vs`
    nu, start   as in `erm_adrw`
    """
    first = losses.vs(tau, gamma)
    then = replace(first, alpha=PriorPower(nu), beta=ONE)
    return two_stage(first, then, start=start)
