"""Augmentation policy of `policy.py` in tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from jaxtyping import Bool, Float, Int

from evenhand.data.augment.policy_operations import (
    AMOUNTS,
    NAMES,
    apply_operations,
    straight_through,
)
from evenhand.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from evenhand.data.augment.policy_operations import Images

    ByOperation = Float[Tensor, "clusters sub_policies places operations"]


class Draws(NamedTuple):
    """Draws of each image at each place of its sub-policy."""

    operation: Int[Tensor, "batch places"]
    """Place of the operation in NAMES."""
    amount: Float[Tensor, "batch places"]
    """Magnitude with its sign."""
    gate: Float[Tensor, "batch places"]
    """1 where the operation is applied, else 0; it carries the gradient of weights and chance."""


@dataclass
class BoundAugmentation:
    """A policy bound to one training set."""

    cluster: Int[Tensor, " rows"]
    """Cluster of each (label, group) cell."""
    operation: ByOperation
    """Logits, as are `chance` and `magnitude`."""
    chance: ByOperation
    magnitude: ByOperation
    temperature: float

    def __call__(
        self, images: Images, rows: Int[Tensor, " batch"], generator: torch.Generator
    ) -> Images:
        """Augment each image by its draws. Raises `DataError` unless images are grey or RGB."""
        import torch

        if images.shape[1] not in (1, 3):
            what = f"an augmentation policy needs images of 1 or 3 channels, not {images.shape[1]}"
            raise DataError(f"{what}\n  remove the methods that learn one: madao, pda")
        draws = self.draw(rows, generator, images.dtype)
        for operation, amount, gate in zip(*(of.unbind(1) for of in draws), strict=True):
            changed = apply_operations(images, operation, amount)
            images = torch.lerp(images, changed, gate[:, None, None, None])
        return images

    def draw(
        self, rows: Int[Tensor, " batch"], generator: torch.Generator, dtype: torch.dtype
    ) -> Draws:
        """Draw for images of these rows; every policy uses equally many random numbers."""
        import torch

        n, device = len(rows), rows.device
        cluster, (n_sub_policies, places) = self.cluster[rows], self.operation.shape[1:3]
        sub_policy = torch.randint(n_sub_policies, (n,), generator=generator, device=device)
        minus = torch.randint(2, (n, places), generator=generator, device=device).bool()
        weights, chance, magnitude = (
            logits[cluster, sub_policy].to(dtype) for logits in self.parameters().values()
        )

        soft = ((weights + _gumbel(weights, generator)) / self.temperature).softmax(2)
        drawn = soft.argmax(2, keepdim=True)
        soft, chance, magnitude = (
            of.gather(2, drawn).squeeze(2) for of in (soft, chance, magnitude)
        )
        # The difference of two Gumbel variables has the logistic distribution.
        noise = _gumbel(chance, generator) - _gumbel(chance, generator)
        happens = ((chance + noise) / self.temperature).sigmoid()
        gate = straight_through((happens > 0.5).to(dtype), happens)
        # Twice, because of two equally likely operations the drawn one makes half of the change.
        # The factor is the chance and not whether the operation is applied, so that the weights get
        # the derivative at the image before and after it: the mean of both derivatives is the
        # change itself where the loss is quadratic.
        gate = gate + 2 * chance.sigmoid().detach() * (soft - soft.detach())
        operation, (most, signed) = drawn.squeeze(2), _amounts(device)
        amount = magnitude.sigmoid() * most.to(dtype)[operation]
        return Draws(operation, torch.where(minus & signed[operation], -amount, amount), gate)

    def parameters(self) -> dict[str, Tensor]:
        """Logits by name."""
        names = ("operation", "chance", "magnitude")
        return {name: getattr(self, name) for name in names}

    def curves(self) -> dict[str, float]:
        """Summary of the policy, by the name of the curve.

        It has the entropy of the choice of operation, which is 1 where all are equally likely, and
        for each operation the share of images that it is applied to at a place, over all clusters.
        With several clusters it has, for the most frequent and the rarest classes, the number of
        operations applied to an image and their magnitude as a share of the largest.
        """
        import torch

        with torch.no_grad():
            weights = self.operation.double().softmax(3)
            shares = weights * self.chance.double().sigmoid()
            entropy = -torch.xlogy(weights, weights).sum(3).mean() / math.log(len(NAMES))
            found = {"learned policy entropy": float(entropy)}
            for name, share in zip(NAMES, shares.mean((0, 1, 2)).tolist(), strict=True):
                found[f"learned policy {name}"] = share
            if len(shares) > 1:
                has = torch.tensor([of.most > 0 for of in AMOUNTS.values()], device=shares.device)
                strength = (shares * has * self.magnitude.double().sigmoid()).sum((1, 2, 3))
                magnitude = strength / (shares * has).sum((1, 2, 3))
                operations = shares.sum((2, 3)).mean(1)
                for cluster, classes in ((0, "most frequent"), (-1, "rarest")):
                    of = f"of the {classes} classes"
                    found[f"learned policy operations {of}"] = float(operations[cluster])
                    found[f"learned policy magnitude {of}"] = float(magnitude[cluster])
        return found


def _gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise."""
    import torch

    return -torch.empty_like(like).exponential_(generator=generator).log()


@cache
def _amounts(
    device: torch.device,
) -> tuple[Float[Tensor, " operations"], Bool[Tensor, " operations"]]:
    """`most` and `signed` of every operation; cached, because a copy to the GPU would wait."""
    import torch

    amounts = AMOUNTS.values()
    most = torch.tensor([of.most for of in amounts], dtype=torch.float64, device=device)
    return most, torch.tensor([of.signed for of in amounts], device=device)
