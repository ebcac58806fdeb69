"""Augmentation policies that are learned on held-out data, then retraining with them: MADAO, PDA.

`evenhand.data.augment.policy` describes a policy and what the papers leave open. Both methods learn
it as AutoBalance learns a loss, in the same stages (`autobalance.py`); li2021autobalance compare
them in this way in their Table 2. hataya2022meta use Adam, and cross-entropy on both levels.

The following is not given in Table 2 and is ours. The loss of a method that learns the policy alone
is fixed and weighted by 1/π, with which AutoBalance starts according to the text ("balanced
cross-entropy consistent with the target"). Factors and offsets that are learned beside a policy
start from that loss as well, and not from LA, because the row "Δ & l" of Table 2 is that of Table 1
without LA. The policy and the loss have the same clusters, and the same learning rate, which the
text gives for the loss alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from evenhand.data.augment.policy import AugmentationPolicy
from evenhand.declared.bilevel import Diverging, Hypergradient
from evenhand.declared.decorators import method
from evenhand.declared.loss import Loss
from evenhand.declared.method import Method
from evenhand.declared.shared_settings import with_shared_settings
from evenhand.declared.stage_parts import TrainOn
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


@dataclass(frozen=True)
class PolicySearch:
    """Settings of a policy and of the search for it, each described in `madao`."""

    sub_policies: Whole = 1
    places: Whole = 2
    temperature: Annotated[float, Field(gt=0)] = 0.1
    warmup: Share = 0.4
    search: Length = 1.0
    retrain: Length = 1.0
    retrain_on: TrainOn = "all"
    every: Whole = 20
    lr: Rate = 0.05
    batches: Whole = 10
    diverging: Diverging = "rescale"

    def with_loss(self, loss: Loss, clusters: FrequencyClusters | None) -> Method:
        """Search and retraining under one policy, which is learned in the search and then fixed."""
        policy = AugmentationPolicy(clusters, self.sub_policies, self.places, self.temperature)
        outer = Hypergradient(
            interval=self.every, batches=self.batches, lr=self.lr, diverging=self.diverging
        )
        lengths = {"warmup": self.warmup, "search": self.search, "retrain": self.retrain}
        stages = searched(loss, outer, **lengths, retrain_on=self.retrain_on).stages
        return Method(*(replace(stage, policy=policy) for stage in stages))


DEFAULT = PolicySearch()


@method(cite="hataya2022meta", title="MADAO", version=2)
@with_shared_settings
def madao(weights: Weights = "balanced", policy: PolicySearch = DEFAULT) -> Method:
    """MADAO: learn one augmentation policy on held-out data, then retrain with it.

    The policy is learned by implicit differentiation (hataya2022meta), here as in `autobalance`.

    weights       weights of the fixed loss: "balanced" is 1/π, "ones" is plain cross-entropy
    sub_policies  sub-policies, of which each image draws one
    places        operations of a sub-policy, one after the other
    temperature   temperature of the relaxed draws in the gradient
    warmup, search, retrain, retrain_on, every, lr, batches, diverging  as in `autobalance`
    """
    return policy.with_loss(FIXED[weights], None)


@method(cite="li2021autobalance", title="PDA", version=2)
@with_shared_settings
def pda(
    cluster: Whole = 1, weights: Weights = "balanced", policy: PolicySearch = DEFAULT
) -> Method:
    """PDA: learn an augmentation policy for each cluster of classes, then retrain with them.

    li2021autobalance, Table 2. No code of it was released.

    cluster  classes of similar frequency that share a policy: 1, 10, 20 and 40 in the paper, for
             CIFAR-10, CIFAR-100, ImageNet-LT and iNaturalist
    weights, sub_policies, places, temperature  as in `madao`
    warmup, search, retrain, retrain_on, every, lr, batches, diverging  as in `autobalance`
    """
    return policy.with_loss(FIXED[weights], FrequencyClusters(cluster))


@method(cite="li2021autobalance", title="PDA, Δ & l", version=2)
@with_shared_settings
def pda_autobalance(
    cluster: Whole = 1, la_init: bool = False, policy: PolicySearch = DEFAULT
) -> Method:
    """PDA with AutoBalance: policies, offsets and factors of the logits for each cluster.

    li2021autobalance, Table 2, row "PDA, Δ & l".

    cluster  classes of similar frequency that share a policy, an offset and a factor, as in `pda`
    la_init  as in `autobalance`
    sub_policies, places, temperature  as in `madao`
    warmup, search, retrain, retrain_on, every, lr, batches, diverging  as in `autobalance`
    """
    loss = LearnedScaling(("l", "delta"), cluster, la_init)
    return policy.with_loss(loss, FrequencyClusters(cluster))
