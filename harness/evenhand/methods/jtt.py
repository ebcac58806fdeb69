"""Just train twice (liu2021just)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.schedules import Share
from evenhand.sampling import ErrorsOften


@method(cite="liu2021just", title="JTT", version=2)
def jtt(first: Share = 0.2, copies: Annotated[int, Field(ge=1)] = 100) -> Method:
    """Just train twice: train with ERM, then from scratch with its training errors repeated.

    As in the published code of liu2021just, the second training set is the first one and `copies`
    further copies of each error, so that an error occurs 1 + copies times in an epoch. An epoch has
    n + copies · (number of errors) examples, without replacement, and is that much longer; the
    number of epochs is the recipe's. Group labels are not used in training.

    first   share of the recipe's epochs that the first network is trained for; the second is
            trained for all of them
    copies  copies of each error that are added, the code's `up_weight`

    The defaults are those of the code's command for Waterbirds: errors of epoch 60, 300 epochs in
    both trainings, and up_weight 100 of the three that it runs, 20, 50 and 100. The code takes the
    errors from the predictions made during epoch 60, before each step; here they are those of the
    network after the last epoch of the first training, in evaluation mode. The paper chooses both
    settings on validation data.
    """
    erm = Stage(loss=VectorScaling(), until=first)
    again = Stage(loss=VectorScaling(), sampler=ErrorsOften(copies), restart=True)
    return Method(erm, again)
