"""Weighted cross-entropy: wCE with inverse frequencies, CB with effective numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Reduce, Stage
from evenhand.declared.registry import method
from evenhand.losses.per_class import EffectiveNumber, InversePrior
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="he2009learning", title="wCE")
def wce(reduce: Reduce = "weighted_mean") -> Method:
    """Weighted cross-entropy: every class counts alike, by α = 1/π.

    The definition is kini2021label's, Sec. 5.1. The option that their code calls wCE uses
    effective numbers with b = 0.9999: that is `cb`.

    reduce="mean" divides by the batch's size, as the formula is printed; see `evenhand.methods`.
    """
    return Method(Stage(loss=VectorScaling(alpha=InversePrior()), reduce=reduce))


@method(cite="cui2019class", title="CB")
def cb(b: Annotated[float, Field(ge=0, lt=1)] = 0.9999, reduce: Reduce = "weighted_mean") -> Method:
    """Class-balanced loss: α = (1 − b) / (1 − b^n), between no weights and 1/π.

    cui2019class searches b for each data set; 0.9999 is what every code of the re-weighting
    papers has, whatever the data set.

    reduce="mean" divides by the batch's size, as the formula is printed; see `evenhand.methods`.
    """
    return Method(Stage(loss=VectorScaling(alpha=EffectiveNumber(b)), reduce=reduce))
