"""An augmentation policy learned on held-out data, then retraining with it: MADAO and PDA.

`evenhand.data.augment.policy` says what a policy is and what its papers leave open. Both are
learned here as AutoBalance learns a loss, stage by stage (`autobalance.py`), which is how
li2021autobalance compare them in their Table 2; hataya2022meta themselves use Adam and
cross-entropy on both levels.

What Table 2 does not say, and is ours. The loss of what learns a policy alone is fixed and
weighted by 1/π, where the text says AutoBalance starts ("balanced cross-entropy consistent with the
target"); weights: ones is plain cross-entropy. Δ and l beside a policy start from there, too, and
not from LA, because Table 2's row "Δ & l" is Table 1's without it. Policy and loss have the same
clusters, and lr, which the text gives for the loss alone, is that of both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from evenhand.data.augment.policy import AugmentationPolicy
from evenhand.declared.bilevel import Diverging, Hypergradient
from evenhand.declared.method import Loss, Method
from evenhand.declared.registry import method
from evenhand.losses.clusters import FrequencyClusters
from evenhand.losses.learned import LearnedScaling
from evenhand.losses.per_class import InversePrior
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.methods.autobalance import Length, Rate, Whole, searched
from evenhand.methods.schedules import Share

Weights = Literal["balanced", "ones"]
FIXED: dict[Weights, Loss] = {
    "balanced": VectorScaling(alpha=InversePrior()),
    "ones": VectorScaling(),
}
Lengths = tuple[float, float, float]
"""Warm-up as a share of the search; search and retraining in units of the recipe's epochs."""
Temperature = Annotated[float, Field(gt=0)]


def with_policy(
    loss: Loss, policy: AugmentationPolicy, outer: Hypergradient, lengths: Lengths
) -> Method:
    """Search and retraining, all under one policy; it is learned in the search and then stays."""
    warmup, search, retrain = lengths
    stages = searched(loss, outer, warmup=warmup, search=search, retrain=retrain).stages
    return Method(*(replace(stage, policy=policy) for stage in stages))


@method(cite="hataya2022meta", title="MADAO")
def madao(
    weights: Weights = "balanced",
    sub_policies: Whole = 1,
    places: Whole = 2,
    temperature: Temperature = 0.1,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 1.0,
    every: Whole = 20,
    lr: Rate = 0.05,
    batches: Whole = 10,
    diverging: Diverging = "rescale",
) -> Method:
    """Learn one augmentation policy for all images on held-out data, then retrain with it."""
    policy = AugmentationPolicy(None, sub_policies, places, temperature)
    outer = Hypergradient(interval=every, batches=batches, lr=lr, diverging=diverging)
    return with_policy(FIXED[weights], policy, outer, (warmup, search, retrain))


@method(cite="li2021autobalance", title="PDA")
def pda(
    cluster: Whole = 1,
    weights: Weights = "balanced",
    sub_policies: Whole = 1,
    places: Whole = 2,
    temperature: Temperature = 0.1,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 1.0,
    every: Whole = 20,
    lr: Rate = 0.05,
    batches: Whole = 10,
    diverging: Diverging = "rescale",
) -> Method:
    """Learn an augmentation policy for each cluster of classes, then retrain with them.

    cluster: classes of like frequency that share a policy; the paper's 1, 10, 20 and 40 for
    CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist.
    """
    policy = AugmentationPolicy(FrequencyClusters(cluster), sub_policies, places, temperature)
    outer = Hypergradient(interval=every, batches=batches, lr=lr, diverging=diverging)
    return with_policy(FIXED[weights], policy, outer, (warmup, search, retrain))


@method(cite="li2021autobalance", title="PDA, Δ & l")
def pda_autobalance(
    cluster: Whole = 1,
    la_init: bool = False,
    sub_policies: Whole = 1,
    places: Whole = 2,
    temperature: Temperature = 0.1,
    warmup: Share = 0.4,
    search: Length = 1.0,
    retrain: Length = 1.0,
    every: Whole = 20,
    lr: Rate = 0.05,
    batches: Whole = 10,
    diverging: Diverging = "rescale",
) -> Method:
    """`pda` and `autobalance` at once: policies, offsets and multipliers for each cluster."""
    policy = AugmentationPolicy(FrequencyClusters(cluster), sub_policies, places, temperature)
    loss = LearnedScaling(("l", "delta"), cluster, la_init)
    outer = Hypergradient(interval=every, batches=batches, lr=lr, diverging=diverging)
    return with_policy(loss, policy, outer, (warmup, search, retrain))
