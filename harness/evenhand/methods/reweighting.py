"""Weighted cross-entropy, by inverse frequency (wCE) or by the effective number (CB)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Reduce, Stage


@method(cite="he2009learning", title="wCE")
def wce(reduce: Reduce = "weighted_mean") -> Method:
    """Weighted cross-entropy, with weights in inverse proportion to the class frequency.

        ℓ(f, y) = −α_y · log softmax(f)_y,   α_y = 1/π_y

    All classes have the same total weight. The definition is that of kini2021label, Sec. 5.1. The
    option that their released code calls wCE has effective-number weights with b = 0.9999, which
    is `cb` here.

    reduce  "weighted_mean" divides by the total weight of the batch, "mean" by its size, as the
            formula is printed; see `evenhand.methods`
    """
    return Method(Stage(loss=losses.wce(), reduce=reduce))


@method(cite="cui2019class", title="CB")
def cb(b: Annotated[float, Field(ge=0, lt=1)] = 0.9999, reduce: Reduce = "weighted_mean") -> Method:
    """Class-balanced loss: cross-entropy weighted by the inverse effective number of examples.

        ℓ(f, y) = −α_y · log softmax(f)_y,   α_y ∝ (1 − b) / (1 − b^n_y)

    The weights lie between equal weights (b = 0) and inverse frequency (b → 1). cui2019class
    searches b for each data set. The released codes of the re-weighting papers use 0.9999 on every
    data set.

    b       hyper-parameter of the effective number
    reduce  as in `wce`
    """
    return Method(Stage(loss=losses.cb(b), reduce=reduce))
