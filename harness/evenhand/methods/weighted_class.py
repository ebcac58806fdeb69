"""Fixed gains with one class that is worth more (narasimhan2021training, Fig. 1)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.per_class import OneClass
from evenhand.losses.vector_scaling import VectorScaling

LossName = Literal["logit_adjusted", "re_weighted", "plain"]


@method(cite="narasimhan2021training", title="Weighted class")
def weighted_class(
    loss: LossName = "logit_adjusted",
    label: Annotated[int, Field(ge=0)] = 0,
    weight: Annotated[float, Field(gt=0)] = 4.0,
) -> Method:
    """Cost-sensitive learning with fixed diagonal gains, where one class has a larger gain.

        G = diag(g),   g_y = weight for the chosen class, else 1

    narasimhan2021training, Fig. 1, weights the class airplane of CIFAR-10, which has the index 0.
    The values of its weights are readable from the image alone.

    loss    "logit_adjusted": −log softmax(f − log g)_y. "re_weighted": −g_y log softmax(f)_y.
            "plain": cross-entropy, which does not depend on `weight`, as a reference for the metric
            `weighted_accuracy`
    label   index of the class
    weight  gain of a correct prediction on that class
    """
    losses = {
        "logit_adjusted": VectorScaling(delta=OneClass(label, -math.log(weight), 0.0)),
        "re_weighted": VectorScaling(alpha=OneClass(label, weight, 1.0)),
        "plain": VectorScaling(),
    }
    return Method(Stage(loss=losses[loss], reduce="weighted_mean"))
