"""Deep feature reweighting: the features of ERM, and a head fitted anew (kirichenko2023last)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.refits.last_layer import GroupBalancedLogistic

Strength = Annotated[float, Field(gt=0)]


@method(cite="kirichenko2023last", title="DFR")
def dfr(
    split: Literal["val", "train"] = "val",
    penalty: Literal["l1", "l2"] = "l1",
    strengths: tuple[Strength, ...] = (1.0, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01),
    draws: Annotated[int, Field(ge=1)] = 20,
) -> Method:
    """ERM; then logistic regression on its features, on held-out data with cells of one size.

    strengths are values of scikit-learn's C to choose from, the greater penalising less; draws is
    how many balanced subsets are fitted and averaged. All values are the published code's. split is
    the one whose features are used; held-out images that a head is fitted on say nothing of it.
    """
    head = GroupBalancedLogistic(split=split, penalty=penalty, strengths=strengths, draws=draws)
    return Method(Stage(loss=VectorScaling()), refit=head)
