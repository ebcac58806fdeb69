"""Two-stage training: what changes at T0, once the features have settled."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Head, Method, Stage
from evenhand.losses.vector_scaling import VectorScaling

Share = Annotated[float, Field(gt=0, lt=1)]
"""A share of all epochs: where T0 lies."""


def two_stage(
    first: VectorScaling, then: VectorScaling, *, start: float, head: Head = "linear"
) -> Method:
    """Train on `first` for the share `start` of the epochs, then on `then`.

    T0 is epoch 160 of 200 in cao2019learning and wang2023unified, so 0.8, where their learning
    rate drops as well. The code released with LDAM and VS keeps epoch 160 whatever the number of
    epochs; we keep the share.
    """
    return Method(
        Stage(loss=first, until=start), Stage(loss=then, reduce="weighted_mean"), head=head
    )
