"""Label-distribution-aware margins (LDAM) and deferred re-weighting (DRW): cao2019learning."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.per_class import EffectiveNumber
from evenhand.methods.schedules import Share, two_stage

Margin = Annotated[float, Field(ge=0)]
Scale = Annotated[float, Field(gt=0)]


@method(cite="cao2019learning", title="LDAM")
def ldam(margin: Margin = 0.5, scale: Scale = 30.0) -> Method:
    """Label-distribution-aware margins: subtract a margin from the logit of the true class.

        ℓ(z, y) = −log softmax(scale · (z − m_y · onehot(y)))_y,   m_y = margin · (n_min / n_y)^¼

    cao2019learning, Sec. 3. z are cosines: features and class weights are normalised.

    margin  margin of the rarest class; public code uses 0.3 on ImageNet-LT and iNaturalist
    scale   factor of the cosines
    """
    return Method(Stage(loss=losses.ldam(margin, scale)), head="cosine")


@method(cite="cao2019learning", title="LDAM+DRW")
def ldam_drw(
    margin: Margin = 0.5,
    scale: Scale = 30.0,
    b: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    start: Share = 0.8,
) -> Method:
    """Label-distribution-aware margins with deferred re-weighting (DRW).

    The loss of `ldam` throughout. In the second stage it is weighted by the effective number,
    α_y ∝ (1 − b) / (1 − b^n_y) (cao2019learning, Algorithm 1).

    margin, scale  as in `ldam`
    b              hyper-parameter of the effective number; all released code uses 0.9999
    start          share of the epochs after which the weights begin, epoch 160 of 200
    """
    first = losses.ldam(margin, scale)
    then = replace(first, alpha=EffectiveNumber(b))
    return two_stage(first, then, start=start, head="cosine")


@method(cite="cao2019learning", title="ERM+DRW", aliases=("ce_drw",))
def erm_drw(b: Annotated[float, Field(ge=0, lt=1)] = 0.9999, start: Share = 0.8) -> Method:
    """Cross-entropy with deferred re-weighting (DRW) by the effective number.

    The loss of `erm`, and in the second stage that of `cb`.

    b, start  as in `ldam_drw`
    """
    return two_stage(losses.ce(), losses.cb(b), start=start)
