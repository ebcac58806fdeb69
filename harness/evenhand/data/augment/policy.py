"""An augmentation policy that held-out data can learn: MADAO's and PDA's.

hataya2022meta learn one policy for all images by implicit differentiation (MADAO);
li2021autobalance learn one for each cluster of classes of like frequency (PDA), and say no more of
it than that. What stands here is ours, but for what the code has that MADAO's authors released
later: one sub-policy of two operations, temperature 0.1, a start at even chances and half the
magnitude.

    x ← (1 − b) x + b · O_o(x; ±μ_o · most_o)    at each place of a sub-policy, one after the other

An image draws one of its cluster's sub-policies, each alike; at each place an operation o by
softmax(weights), whether it happens, b, by chance p_o, and a sign where it has one. Weights,
chance and magnitude are learned for each operation at each place; chance and magnitude are
sigmoids, so that any step leaves them within their ranges.

Decisions, all ours.

- Draws are hard forwards, and soft backwards (Gumbel-softmax and relaxed Bernoulli, straight
  through): retraining then meets the very distribution that the search has seen, and an image costs
  one operation a place, not fourteen; a batch keeps some 15 of its size for the gradient. The price
  is noise, and a slope in place of a difference: the gradient hears of the drawn operation alone,
  as how the loss rises along O(x) − x. Where the loss bends much between the two it misleads.
- An image draws for itself. The released code draws one operation for a chunk of the batch.
- A policy acts from the first epoch on, also before it is learned: implicit differentiation holds
  near a minimum under the augmentation as it is, not under none.
- It comes after the recipe's own augmentations, which are not learned, and before normalisation.
- Held-out images are not augmented by it: it is learned for images as they are evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int, Real

from evenhand.declared.labels import TrainingCounts

if TYPE_CHECKING:
    from evenhand.data.augment.policy_kernel import BoundAugmentation


@runtime_checkable
class Clustering(Protocol):
    """Which classes share a policy."""

    def __call__(self, counts: Real[np.ndarray, " classes"]) -> Int[np.ndarray, " classes"]:
        """The cluster of each class, from 0."""
        ...


@dataclass(frozen=True)
class AugmentationPolicy:
    """The policy above, before any data set is known.

    clusters      None: all classes share one policy
    sub_policies  an image draws one of so many. More of them can hold operations that go together,
                  and each then hears fewer images: CIFAR-10-LT's rarest class has 50
    places        operations of a sub-policy, one after the other; AutoAugment's and MADAO's 2
    temperature   of both relaxations. A high one hears more of the draws, and wrongly; at 0.1 the
                  gradient of a chance is all but unbiased
    """

    clusters: Clustering | None = None
    sub_policies: int = 1
    places: int = 2
    temperature: float = 0.1

    def bind(self, counts: TrainingCounts, device: Any) -> BoundAugmentation:
        """At its start: every operation alike, chance 1/2, half the magnitude."""
        import torch

        from evenhand.data.augment.policy_kernel import BoundAugmentation
        from evenhand.data.augment.policy_operations import NAMES

        n_classes, n_groups = counts.shape
        cluster = (
            np.zeros(n_classes, np.int64) if not self.clusters else self.clusters(counts.sum(1))
        )
        shape = (int(cluster.max()) + 1, self.sub_policies, self.places, len(NAMES))
        by_row = torch.as_tensor(np.repeat(cluster, n_groups), device=device)
        weights, chance, magnitude = torch.zeros((3, *shape), dtype=torch.float32, device=device)
        return BoundAugmentation(by_row, weights, chance, magnitude, self.temperature)
