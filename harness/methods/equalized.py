"""The softmax Equalized loss (tan2020equalization)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from harness.losses.equalized import RareNegatives
from harness.losses.vector_scaling import VectorScaling
from harness.spec.method import Method, Stage
from harness.spec.registry import method


@method(cite="tan2020equalization", title="Equalized")
def equalized(
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.005,
    gamma: Annotated[float, Field(ge=0, lt=1)] = 0.9,
) -> Method:
    """Equalized loss: a rare class weighs 1 − gamma as a negative, in expectation.

    The paper drops a rare negative from the softmax's normaliser with probability gamma, drawn for
    each example. Here its weight is the mean of that draw, w = 1 − gamma, hence a margin log w on
    its logit: losses have no random stream of their own. The mean of the published loss is at or
    below this one, by Jensen's inequality.

    threshold is on the share of the training examples. Two public classification codes have 0.005
    and 0.9, and one calls them the paper's; the authors' own code is for detection. At 0.005 one
    class of CIFAR-10-LT-100 is rare, and 52 of CIFAR-100-LT-100.
    """
    return Method(Stage(loss=VectorScaling(delta=RareNegatives(threshold, gamma))))
