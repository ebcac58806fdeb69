"""A batch of training images as the loss takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jaxtyping import Float, Int
from torch import Tensor

from evenhand.data.augment.mixing import Mixed


@dataclass(frozen=True)
class Batch:
    """A batch of training images, augmented and normalised."""

    images: Float[Tensor, "b c h w"]
    labels: Int[Tensor, " b"]
    rows: Int[Tensor, " b"]
    targets: Float[Tensor, "b classes"] | None
    """Class probabilities that replace the labels under knowledge distillation."""
    mixed: Mixed | None = None
    """Partners and shares of mixed images; None for images that are not mixed."""

    def by_share(self, of: Callable[[Batch], Float[Tensor, " b"]]) -> Float[Tensor, " b"]:
        """A value of each example: of a mixed one, that of both labels by their shares."""
        if self.mixed is None:
            return of(self)
        partner, share = self.mixed.partner, self.mixed.share
        targets = None if self.targets is None else self.targets[partner]
        own = replace(self, mixed=None)
        other = replace(own, labels=self.labels[partner], rows=self.rows[partner], targets=targets)
        return share * of(own) + (1 - share) * of(other)
