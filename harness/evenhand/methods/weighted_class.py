"""One class that counts more, by losses that are calibrated for it (narasimhan2021training)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.per_class import OneClass
from evenhand.losses.vector_scaling import VectorScaling

LossName = Literal["logit_adjusted", "re_weighted", "plain"]


@method(cite="narasimhan2021training", title="Weighted class")
def weighted_class(
    loss: LossName = "logit_adjusted",
    label: Annotated[int, Field(ge=0)] = 0,
    weight: Annotated[float, Field(gt=0)] = 4.0,
) -> Method:
    """A right answer on one class is worth `weight`, on any other 1: fixed gains G = diag(g).

    label is the index of the class. Logit-adjusted: cross-entropy of s − log g; re-weighted: by
    g_y; plain: cross-entropy, whatever the weight, to be judged by it. The paper's Fig. 1 weighs
    CIFAR-10's airplanes, which are class 0; of its weights only the picture tells.
    """
    losses = {
        "logit_adjusted": VectorScaling(delta=OneClass(label, -math.log(weight), 0.0)),
        "re_weighted": VectorScaling(alpha=OneClass(label, weight, 1.0)),
        "plain": VectorScaling(),
    }
    return Method(Stage(loss=losses[loss], reduce="weighted_mean"))
