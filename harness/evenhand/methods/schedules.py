"""Two-stage training: the loss changes at the epoch T0."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Head, Method, Stage
from evenhand.losses.vector_scaling import VectorScaling

Share = Annotated[float, Field(gt=0, lt=1)]
"""T0 as a share of all epochs."""


def two_stage(
    first: VectorScaling, then: VectorScaling, *, start: float, head: Head = "linear"
) -> Method:
    """Train on `first` for the share `start` of the epochs, and on `then` afterwards.

    T0 is epoch 160 of 200 in cao2019learning and wang2023unified, a share of 0.8, where their
    learning rate drops as well. The code released with LDAM and VS has T0 = 160 for every number
    of epochs; here the share stays the same.
    """
    return Method(
        Stage(loss=first, until=start), Stage(loss=then, reduce="weighted_mean"), head=head
    )
