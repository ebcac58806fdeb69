"""The softmax Equalized loss (tan2020equalization)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.method import Loss, Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.equalization import Equalized, RareNegatives
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="tan2020equalization", title="Equalized", version=2)
def equalized(
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.005,
    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.9,
    form: Literal["stochastic", "margin"] = "stochastic",
) -> Method:
    """Equalized loss: a rare class is left out as a negative, with probability gamma.

    stochastic  drawn for each example and class, as published
    margin      a rare negative weighs the mean of the draws, 1 − gamma: log(1 − gamma) on its
                logit. By Jensen's inequality the mean of the stochastic loss is at or below it.

    threshold is on the share of the training examples. Two public classification codes have 0.005
    and 0.9, and one calls them the paper's; the authors' own code is for detection. At 0.005 one
    class of CIFAR-10-LT-100 is rare, and 52 of CIFAR-100-LT-100.
    """
    loss: Loss = Equalized(threshold, gamma)
    if form == "margin":
        loss = VectorScaling(delta=RareNegatives(threshold, gamma))
    return Method(Stage(loss=loss))
