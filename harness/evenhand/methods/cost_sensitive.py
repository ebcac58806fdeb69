"""Cost-sensitive learning (CSL) for non-decomposable objectives (narasimhan2021training)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.controller import Iterate
from evenhand.declared.decorators import method
from evenhand.declared.loss import Loss
from evenhand.declared.method import Method, Stage
from evenhand.losses.cost_sensitive import (
    HYBRID_A,
    HYBRID_B,
    RE_WEIGHTED,
    LogitAdjusted,
    SoftmaxShifted,
)
from evenhand.objectives.controller import MultiplierUpdates

LossName = Literal[
    "logit_adjusted",
    "re_weighted",
    "hybrid_a",
    "hybrid_b",
    "softmax_shifted",
    "softmax_shifted_linearised",
    "softmax_shifted_hybrid",
]
LOSSES: dict[LossName, Loss] = {
    "logit_adjusted": LogitAdjusted(),
    "re_weighted": RE_WEIGHTED,
    "hybrid_a": HYBRID_A,
    "hybrid_b": HYBRID_B,
    "softmax_shifted": SoftmaxShifted("shifted"),
    "softmax_shifted_linearised": SoftmaxShifted("linearised"),
    "softmax_shifted_hybrid": SoftmaxShifted("hybrid"),
}


@method(cite="narasimhan2021training", title="CSL")
def csl(
    loss: LossName = "logit_adjusted",
    maximize: str = "min_recall",
    subject_to: tuple[str, ...] = (),
    every: Annotated[int, Field(ge=1)] = 32,
    step: Annotated[float, Field(gt=0)] = 0.1,
    iterate: Iterate = "last",
) -> Method:
    """Cost-sensitive learning for a non-decomposable objective, by updates of its multipliers.

        max_θ Σ_ij G_ij(λ) C_ij[θ],   λ updated on held-out data

    narasimhan2021training, Algorithms 1 and 2. The Lagrange multipliers λ of the objective and its
    constraints give the gain matrix G of a cost-sensitive loss. ERM maximises the accuracy, G = I.

    loss        loss for a gain matrix. "logit_adjusted" takes diagonal gains: objectives of recalls
                and accuracy. Other objectives need a hybrid or "re_weighted"
    maximize    the objective: `min_recall`, `mean_recall`, `g_mean`, …; see `evenhand.objectives`
    subject_to  constraints, such as `["coverage[*] >= 0.95/m"]`
    every       optimiser steps between two updates: 32 on CIFAR, 100 on TinyImageNet in the paper
    step        step size of the update. 0.1 is that of the released code, which has the worst
                recall alone; the text gives none for constraints
    iterate     network that is evaluated: "last" as in the paper, "best" by held-out data, or
                "averaged", which draws one of the iterates for each image
    """
    updates = MultiplierUpdates(maximize, subject_to, every, step, iterate)
    return Method(Stage(loss=LOSSES[loss], reduce="weighted_mean", controller=updates))
