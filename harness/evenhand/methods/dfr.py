"""Deep feature reweighting (kirichenko2023last)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.refits.last_layer import GroupBalancedLogistic

Strength = Annotated[float, Field(gt=0)]


@method(cite="kirichenko2023last", title="DFR", version=2)
def dfr(
    split: Literal["val", "train"] = "val",
    penalty: Literal["l1", "l2"] = "l1",
    strengths: tuple[Strength, ...] = (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01),
    draws: Annotated[int, Field(ge=1)] | None = None,
) -> Method:
    """Deep feature reweighting: ERM, then group-balanced logistic regression on its features.

    The last layer is replaced by the mean of several logistic regressions, each on a subset with as
    many examples of every (label, group) cell (kirichenko2023last). Features are standardised by
    the training features. Penalty, strengths and numbers of draws are those of the published code
    for Waterbirds. To choose a strength, that code splits the validation images at random and
    standardises by the fitted subset; with `split: train` it chooses on all validation images. Here
    halves of each cell of the same split are used, so that `split: train` uses no validation image.

    split      split whose features are used; held-out images that a head is fitted on cannot be
               used to choose its settings
    penalty    norm of the penalty
    strengths  values of scikit-learn's C to choose from; a larger value penalises less
    draws      number of balanced subsets that are fitted and averaged; by default 20 for
               `split: val` and 10 for `split: train`, as in the published code
    """
    if draws is None:
        draws = 20 if split == "val" else 10
    head = GroupBalancedLogistic(split=split, penalty=penalty, strengths=strengths, draws=draws)
    return Method(Stage(loss=VectorScaling()), refit=head)
