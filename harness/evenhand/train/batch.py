"""A batch of training images as the loss takes it."""

from __future__ import annotations

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

    @property
    def sides(self) -> tuple[Batch, Batch]:
        """A mixed batch with the labels of the examples, and with those of their partners."""
        assert self.mixed is not None
        partner = self.mixed.partner
        targets = None if self.targets is None else self.targets[partner]
        own = replace(self, mixed=None)
        return own, replace(
            own, labels=self.labels[partner], rows=self.rows[partner], targets=targets
        )
