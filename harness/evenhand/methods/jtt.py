"""Just train twice (liu2021just)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.schedules import Share
from evenhand.sampling import ErrorsOften


@method(cite="liu2021just", title="JTT")
def jtt(first: Share = 0.2, factor: Annotated[float, Field(ge=1)] = 100.0) -> Method:
    """Just train twice: train with ERM, then from scratch with its training errors up-weighted.

    liu2021just repeats the errors of the first network `factor` times, which lengthens an epoch.
    Here an epoch has as many draws as there are examples, with replacement and in the same
    proportion. Group labels are not used in training.

    first   share of the recipe's epochs that the first network is trained for; the second is
            trained for all of them
    factor  how many times as often a misclassified example is drawn

    The defaults are those for Waterbirds, 60 of 300 epochs and 100, as we remember the paper; they
    are not verified. The paper chooses both on validation data.
    """
    erm = Stage(loss=VectorScaling(), until=first)
    again = Stage(loss=VectorScaling(), sampler=ErrorsOften(factor), restart=True)
    return Method(erm, again)
