"""Focal loss (lin2017focal)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage


@method(cite="lin2017focal", title="Focal")
def focal(g: Annotated[float, Field(ge=0)] = 2.0) -> Method:
    """Focal loss: cross-entropy with smaller weights on well-classified examples.

        ℓ(f, y) = −(1 − p_y)^g · log p_y,   p = softmax(f)

    lin2017focal, eq. 4, defines it for a detector with one sigmoid for each class; this is the
    softmax form. No class frequency is used.

    g  focusing exponent; the paper uses 2, the code released with LDAM uses 1
    """
    return Method(Stage(loss=losses.focal(g)))
