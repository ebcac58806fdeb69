"""Focal loss (lin2017focal)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.focal_loss import Focal


@method(cite="lin2017focal", title="Focal")
def focal(g: Annotated[float, Field(ge=0)] = 2.0) -> Method:
    """Focal loss: (1 − p)^g times the cross-entropy, so that easy examples count less.

    g = 2 is the paper's; the code released with LDAM has g = 1. The softmax form is used, where
    the paper, a detector, has a sigmoid for each class.
    """
    return Method(Stage(loss=Focal(g)))
