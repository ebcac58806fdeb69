"""The softmax Equalized loss (tan2020equalization)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.loss import Loss
from evenhand.declared.method import Method, Stage
from evenhand.losses.equalization import RareNegatives
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="tan2020equalization", title="Equalized", version=2)
def equalized(
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.005,
    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.9,
    form: Literal["stochastic", "margin"] = "stochastic",
) -> Method:
    """Equalized loss: ignore rare classes as negatives, with probability gamma.

        ℓ(f, y) = −log( exp f_y / Σ_c w_c exp f_c ),   w_c = 0 with probability γ for a rare c ≠ y

    w_c is 1 otherwise. This is the softmax form of tan2020equalization.

    threshold  a class is rare where its share of the training examples is smaller; at 0.005 this is
               one class of CIFAR-10-LT-100 and 52 of CIFAR-100-LT-100
    gamma      γ; two public classification codes have the defaults 0.005 and 0.9, and one calls
               them the paper's; the released code of the authors is for detection
    form       "stochastic": w is drawn for each example and class, as published. "margin": w_c is
               the mean 1 − γ of the draws, an offset of log(1 − γ). By Jensen's inequality the mean
               of the stochastic loss is at most this loss
    """
    loss: Loss = losses.equalized(threshold, gamma)
    if form == "margin":
        loss = VectorScaling(delta=RareNegatives(threshold, gamma))
    return Method(Stage(loss=loss))
