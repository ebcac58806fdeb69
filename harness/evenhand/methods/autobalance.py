"""AutoBalance: learn a loss on held-out data, then train with it from scratch (li2021autobalance).

Lengths are shares of the recipe's epochs. The text searches for 300 epochs on CIFAR, learns the
loss from epoch 120 on (a share of 0.4), and retrains for as many epochs. Where the text and the
released code disagree, `autobalance` follows the text and `autobalance_released` the code.

The retraining uses training and held-out images together (Algorithm 1, line 11), after which no
held-out images are left to choose an epoch or a setting. With `retrain_on: train` it uses the
training images alone, and the held-out images enter it through the learned loss only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.bilevel import Diverging, HeldOutObjective, Hypergradient
from evenhand.declared.decorators import method
from evenhand.declared.loss import Loss
from evenhand.declared.method import Method, Stage
from evenhand.declared.stage_parts import TrainOn
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
    loss: Loss,
    outer: Hypergradient,
    *,
    warmup: float,
    search: float,
    retrain: float,
    retrain_on: TrainOn,
) -> Method:
    """Train on the initial loss, learn the loss, and retrain from scratch with the result."""
    stage = Stage(loss=loss, until=warmup * search, reduce="weighted_mean")
    return Method(
        stage,
        replace(stage, until=search, outer=outer),
        replace(stage, until=retrain, restart=True, train_on=retrain_on),
    )


@method(cite="li2021autobalance", title="AutoBalance", version=2)
def autobalance(
    learn: Learn = "both",
    la_init: bool = True,
    cluster: Whole = 1,
    objective: HeldOutObjective = "balanced",
    ce_share: Mixed = 0.0,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 1.0,
    retrain_on: TrainOn = "all",
    every: Whole = 20,
    lr: Rate = 0.05,
    batches: Whole = 10,
    terms: Annotated[int, Field(ge=0)] = 5,
    scale: Length = 1.0,
    diverging: Diverging = "rescale",
) -> Method:
    """AutoBalance: learn offsets and factors of the logits on held-out data, then retrain.

        ℓ(f, y) = −α_y · log softmax(β ⊙ f + Δ)_y,   β = σ(b) / σ(1),   b and Δ learned

    li2021autobalance, eq. 2.2, where b is written Δ, Δ is written l and α is written w.
    Hypergradient steps on the held-out `objective` alternate with the steps of training (Sec. 2.2).

    learn       "l": the offsets Δ. "delta": the factors β. "both". "tau": one τ in Δ = τ·log π, the
                row "τ of LA loss" together with `la_init`. "w": the weights α
    la_init     start from Δ = log π instead of Δ = 0
    cluster     classes of similar frequency that share their values: 1, 10, 20 and 40 in the paper,
                for CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist
    objective   loss on held-out data: "balanced" or, as in the code, "batch_weighted"; for groups
                "group_balanced" or "deo"
    ce_share    share of cross-entropy in the objective; 0.1·CE + 0.9·CE_deo is 0.1
    warmup      share of the search before the loss is learned
    search      length of the search, as a share of the recipe's epochs
    retrain     length of the retraining, in the same unit
    retrain_on  "all": training and held-out images together, as in Algorithm 1. "train": training
                images alone, so that held-out images can choose an epoch or a setting
    every       optimiser steps between two hypergradients; 30 in the paper for ImageNet-LT and
                iNaturalist
    lr          learning rate of the learned values; at 0 the loss stays as it starts, which is the
                reference for what the search gains
    batches     batches that each gradient averages over
    terms       terms of the Neumann series after the first
    scale       factor of the Hessian in the series
    diverging   treatment of a series that does not converge; see `Hypergradient`
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
    lengths = {"warmup": warmup, "search": search, "retrain": retrain}
    return searched(loss, outer, **lengths, retrain_on=retrain_on)


@method(cite="li2021autobalance", title="AutoBalance (released)", version=2)
def autobalance_released(
    learn: Learn = "both",
    la_init: bool = False,
    cluster: Whole = 1,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 2 / 3,
    retrain_on: TrainOn = "all",
    every: Whole = 20,
    lr: Rate = 0.01,
    lr_warmup: Rate = 10 / 300,
    coast: bool = True,
    diverging: Diverging = "allow",
) -> Method:
    """AutoBalance as in the released code, with the differences that are listed here.

    Differences from `autobalance`: α = 1 and β = σ(b), which is 0.731 at the start, for every
    target, and no LA at the start; an interval that is counted anew in each epoch; a held-out loss
    that is averaged over batches; momentum that also acts between two gradients, as under PyTorch
    before 2.0; no check of the series' convergence; 200 epochs of retraining after a search of 300.

    learn, la_init, cluster, warmup, search, retrain, retrain_on, every  as in `autobalance`
    lr, lr_warmup  learning rate, and its warm-up as a share of the recipe's epochs. The defaults
                   are those for CIFAR-10; CIFAR-100 has 0.1, 40/300 and clusters of 10
    coast, diverging  as in `Hypergradient`

    These differences from the code remain.
    - Without `la_init` the code retrains with learned values that it interpolates between the
      centres of clusters; here they are constant over a cluster, as in the text.
    - The code retrains with drops at epochs 160 and 180 of 200 and a warm-up of 5 (CIFAR-100: 10);
      here the recipe's shares hold. Under `cifar-autobalance-300` these are 147, 173 and 3 (7).
    - Both loops of the code run one epoch more.
    - On CIFAR-10 the code retrains on n_c images of a class that are drawn from its first n_c and
      its last n_c / 5. Here the retraining has the images of the search.
    - The code keeps the first images of each class and holds out the last, with counts that are
      rounded up (CIFAR-10) or to the nearest (CIFAR-100). Here images are drawn, and counts are
      rounded down.
    - The code goes through the held-out batches in turn, one at each step and ten at a
      hypergradient; here the ten are drawn. A training batch of the hypergradient may be small in
      the code; here it is full.
    - Held-out batches of the code change the running statistics of batch normalisation; here they
      do not.
    """
    loss = LearnedScaling(LEARNT[learn], cluster, la_init, weights="ones", multiplier="sigmoid")
    outer = Hypergradient(
        objective="batch_weighted",
        interval=every,
        by_epoch=True,
        lr=lr,
        warmup=lr_warmup,
        coast=coast,
        diverging=diverging,
    )
    lengths = {"warmup": warmup, "search": search, "retrain": retrain}
    return searched(loss, outer, **lengths, retrain_on=retrain_on)
