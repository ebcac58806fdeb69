"""Just train twice: what the first network gets wrong counts more for the second (liu2021just)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.schedules import Share
from evenhand.sampling import ErrorsOften


@method(cite="liu2021just", title="JTT")
def jtt(first: Share = 0.2, factor: Annotated[float, Field(ge=1)] = 100.0) -> Method:
    """Just train twice: ERM for a while, then from scratch with its training errors drawn more.

    first is the share of the epochs that the first network trains for, before all of them for the
    second, and factor how much more often an error is drawn: 60 of 300 epochs and 100 on Waterbirds
    in the paper as remembered, not verified; it chooses both on validation data. It repeats the
    errors, and an epoch grows with them; here one has as many draws as there are examples, in the
    same proportion. No group is read.
    """
    erm = Stage(loss=VectorScaling(), until=first)
    again = Stage(loss=VectorScaling(), sampler=ErrorsOften(factor), restart=True)
    return Method(erm, again)
