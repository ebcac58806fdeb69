"""AutoBalance: search a loss on held-out data, then train with it from scratch (li2021autobalance).

Settings are shares of the recipe's epochs: the text searches for 300 epochs on CIFAR, learns the
loss from epoch 120 on (0.4), and retrains as long. Where text and released code disagree,
`autobalance` is the text's reading and `autobalance_released` the code's.

The retraining is on the training images alone, as the search is, so that held-out images can choose
its epoch and none of its settings saw them but through the learned loss. The code puts both pools
together for it, after which nothing is held out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.bilevel import Diverging, Hypergradient, Objective
from evenhand.declared.method import Loss, Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.clusters import Symbol
from evenhand.losses.learned import LearnedScaling
from evenhand.methods.schedules import Share

Learn = Literal["l", "delta", "both", "tau", "w"]
LEARNT: dict[Learn, tuple[Symbol, ...]] = {
    "l": ("l",),
    "delta": ("delta",),
    "both": ("l", "delta"),
    "tau": ("tau",),
    "w": ("w",),
}
Whole = Annotated[int, Field(ge=1)]
Length = Annotated[float, Field(gt=0)]
Rate = Annotated[float, Field(ge=0)]
Mixed = Annotated[float, Field(ge=0, le=1)]


def searched(
    loss: Loss, outer: Hypergradient, *, warmup: float, search: float, retrain: float
) -> Method:
    """Train on the loss as it starts, learn it, and begin again with what was learned."""
    stage = Stage(loss=loss, until=warmup * search, reduce="weighted_mean")
    return Method(
        stage,
        replace(stage, until=search, outer=outer),
        replace(stage, until=retrain, restart=True),
    )


@method(cite="li2021autobalance", title="AutoBalance")
def autobalance(
    learn: Learn = "both",
    la_init: bool = True,
    cluster: Whole = 1,
    objective: Objective = "balanced",
    ce_share: Mixed = 0.0,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 1.0,
    every: Whole = 20,
    lr: Rate = 0.05,
    batches: Whole = 10,
    terms: Annotated[int, Field(ge=0)] = 5,
    scale: Length = 1.0,
    diverging: Diverging = "rescale",
) -> Method:
    """Learn offsets and multipliers of the logits on held-out data, then retrain with them.

    As the text reads: the loss starts consistent with its target, with multipliers of 1, and lr is
    0.05. The text's row "τ of LA loss" is learn: tau, from LA; ImageNet-LT and iNaturalist have
    every: 30. For groups the objective is group_balanced or deo, and 0.1·CE + 0.9·CE_deo is
    ce_share: 0.1. With lr: 0 the loss stays as it starts: what a search is measured by.
    """
    loss = LearnedScaling(LEARNT[learn], cluster, la_init)
    outer = Hypergradient(
        objective=objective,
        ce_share=ce_share,
        interval=every,
        terms=terms,
        scale=scale,
        batches=batches,
        lr=lr,
        diverging=diverging,
    )
    return searched(loss, outer, warmup=warmup, search=search, retrain=retrain)


@method(cite="li2021autobalance", title="AutoBalance (released)")
def autobalance_released(
    learn: Learn = "both",
    la_init: bool = True,
    cluster: Whole = 1,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 2 / 3,
    every: Whole = 20,
    lr: Rate = 0.01,
    lr_warmup: Rate = 10 / 300,
    coast: bool = True,
    diverging: Diverging = "allow",
) -> Method:
    """`autobalance` as the released code has it, but for what it retrains on.

    Weights of 1 and multipliers of σ(1) = 0.731 at the start, whatever the target; momentum that
    moves the loss between two gradients, as under PyTorch before 2.0; a series whose convergence
    nobody looks at; 200 epochs after a search of 300. lr and lr_warmup are those for CIFAR-10; for
    CIFAR-100 0.1 and 40/300. It interpolates what it learned between the centres of clusters where
    it did not start from LA; we keep it constant over a cluster, as the text does. It retrains with
    drops at epochs 160 and 180 of 200 and a warm-up of 5; here they are the recipe's shares again,
    147, 173 and 3. Its looks at held-out images move running statistics; ours do not.
    """
    loss = LearnedScaling(LEARNT[learn], cluster, la_init, weights="ones", multiplier="sigmoid")
    outer = Hypergradient(interval=every, lr=lr, warmup=lr_warmup, coast=coast, diverging=diverging)
    return searched(loss, outer, warmup=warmup, search=search, retrain=retrain)
