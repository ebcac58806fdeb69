"""Class-dependent temperatures (ye2020identifying)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage


@method(cite="ye2020identifying", title="CDT")
def cdt(gamma: Annotated[float, Field(ge=0)] = 0.15) -> Method:
    """Class-dependent temperatures: multiply each logit by a power of its class's size.

        ℓ(f, y) = −log softmax(β ⊙ f)_y,   β_c = (n_c / n_max)^γ

    ye2020identifying writes β as division by the temperature (n_max / n_c)^γ. Prediction uses the
    logits without β.

    gamma  γ, which the paper tunes for each data set, up to 0.4 on CIFAR-10 and 0.2 on CIFAR-100;
           the default 0.15 is that of kini2021label, Fig. 4(c)
    """
    return Method(Stage(loss=losses.cdt(gamma)))
