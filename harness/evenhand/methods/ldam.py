"""Label-distribution-aware margins and deferred re-weighting (cao2019learning)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.per_class import Constant, EffectiveNumber, OwnClassMargin
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.schedules import Share, two_stage

Margin = Annotated[float, Field(ge=0)]
Scale = Annotated[float, Field(gt=0)]


def margins(margin: float, scale: float) -> VectorScaling:
    """Cross-entropy of scale · (z − m_y · onehot(y)), m_y = margin · (n_min/n_y)^¼.

    z are cosines, from the normalised head; on raw logits a scale of 30 diverges.
    """
    return VectorScaling(beta=Constant(scale), delta=OwnClassMargin(margin * scale))


@method(cite="cao2019learning", title="LDAM")
def ldam(margin: Margin = 0.5, scale: Scale = 30.0) -> Method:
    """LDAM: the true class must win by a margin, the larger the rarer it is.

    margin is that of the rarest class, in cosine; 0.3 is in use for ImageNet-LT and iNaturalist.
    """
    return Method(Stage(loss=margins(margin, scale)), head="cosine")


@method(cite="cao2019learning", title="LDAM+DRW")
def ldam_drw(
    margin: Margin = 0.5,
    scale: Scale = 30.0,
    b: Annotated[float, Field(ge=0, lt=1)] = 0.9999,
    start: Share = 0.8,
) -> Method:
    """LDAM margins throughout; class weights only once the features have settled."""
    first = margins(margin, scale)
    then = replace(first, alpha=EffectiveNumber(b))
    return two_stage(first, then, start=start, head="cosine")


@method(cite="cao2019learning", title="ERM+DRW", aliases=("ce_drw",))
def erm_drw(b: Annotated[float, Field(ge=0, lt=1)] = 0.9999, start: Share = 0.8) -> Method:
    """Cross-entropy; class weights only once the features have settled."""
    return two_stage(VectorScaling(), VectorScaling(alpha=EffectiveNumber(b)), start=start)
