"""Augmentation policy that can be learned on held-out data: MADAO's and PDA's.

hataya2022meta learns one policy for all images by implicit differentiation (MADAO).
li2021autobalance learns one for each cluster of classes of similar frequency (PDA), without further
detail. The policy here is ours, except for what the code has that MADAO's authors released later:
one sub-policy of two operations, temperature 0.1, and a start with all operations equally likely,
applied with probability 1/2 at half their magnitude.

    x ← (1 − b) x + b · O_o(x; ±μ_o · most_o)    at each place of a sub-policy, one after the other

An image draws one of its cluster's sub-policies uniformly. At each place it draws an operation o by
softmax(weights), whether it is applied, b, with probability p_o, and a sign where the operation has
one. Weights, probability and magnitude are learned for each operation at each place; the latter two
are sigmoids, so that every update leaves them within their ranges.

Decisions, all ours:

- Draws are hard in the forward pass and soft in the backward pass (straight-through Gumbel-softmax
  and relaxed Bernoulli). Retraining then sees the same distribution as the search, and an image
  costs one operation for each place instead of fourteen; the gradient keeps about 15 times the
  size of a batch in memory. The price is noise, and a derivative in place of a difference: the
  gradient sees only the drawn operation, by the derivative of the loss along O(x) − x, which
  misleads where the loss is strongly curved between the two.
- Each image has its own draws. The released code draws one operation for a chunk of the batch.
- A policy is applied from the first epoch, also before it is learned: implicit differentiation
  holds near a minimum under the current augmentation, not under none.
- It is applied after the recipe's own augmentations, which are not learned, and before
  normalisation.
- Held-out images are not augmented by it: evaluation does not augment either.
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
    """Rule for which classes share a policy."""

    def __call__(self, counts: Real[np.ndarray, " classes"]) -> Int[np.ndarray, " classes"]:
        """Cluster of each class, counted from 0."""
        ...


@dataclass(frozen=True)
class AugmentationPolicy:
    """A learned augmentation policy, before it is bound to a data set."""

    clusters: Clustering | None = None
    """None: all classes share one policy."""
    sub_policies: int = 1
    """Number of sub-policies, of which an image draws one.

    More of them can combine operations that suit each other, but each then learns from fewer
    images: the rarest class of CIFAR-10-LT has 50.
    """
    places: int = 2
    """Operations of a sub-policy, one after the other; AutoAugment and MADAO have 2."""
    temperature: float = 0.1
    """Temperature of both relaxations.

    With a higher one more draws contribute to the gradient, with more bias; at 0.1 the gradient of
    a probability is almost unbiased.
    """

    def bind(self, counts: TrainingCounts, device: Any) -> BoundAugmentation:
        """Bind at the start: operations equally likely, probability 1/2, half the magnitude."""
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
