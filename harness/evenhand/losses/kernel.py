"""The tensors behind the losses. The one module here that imports torch; `bind` imports it.

A row is an example's label or, where there are groups, its (label, group) cell:
row = label · groups + group. Vectors are kept in torch's default dtype, so that a run that sets it
to float64 is float64 throughout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.bound import BoundExampleLoss, Shape

HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class BoundVectorScaling(BoundExampleLoss):
    """A member of the vector-scaling family for one training set."""

    alpha: Float[Tensor, " rows"]
    beta: Float[Tensor, "#rows classes"]
    delta: Float[Tensor, "#rows classes"]

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(self.delta.shape[1], len(self.alpha) // self.delta.shape[1])

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        return vs_cross_entropy(
            logits, labels, rows, alpha=self.alpha, beta=self.beta, delta=self.delta
        )

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example."""
        return self.alpha[rows]


@dataclass(frozen=True)
class BoundFocal(BoundExampleLoss):
    """Focal loss for one training set."""

    g: float
    alpha: Float[Tensor, " rows"]
    n_classes: int

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(self.n_classes, len(self.alpha) // self.n_classes)

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        return self.alpha[rows] * focal_cross_entropy(logits, labels, g=self.g)

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example: its class's alone, not the factor of the focal loss."""
        return self.alpha[rows]


@dataclass(frozen=True)
class BoundEqualized(BoundExampleLoss):
    """The Equalized loss for one training set; `drawing_from` gives it what it draws from."""

    gamma: float
    is_rare: Bool[Tensor, " classes"]
    n_groups: int = 1
    generator: torch.Generator | None = None
    """What the draws come from; None: torch's global generator."""

    def drawing_from(self, generator: torch.Generator) -> BoundEqualized:
        """The loss that draws from a generator on the device of its tensors."""
        return replace(self, generator=generator)

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(len(self.is_rare), self.n_groups)

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats; another one at each call."""
        # In float32 whatever the default, so that one generator draws alike in every precision.
        draws = torch.rand(
            logits.shape, generator=self.generator, device=logits.device, dtype=torch.float32
        )
        return equalized_cross_entropy(logits, labels, self.is_rare & (draws < self.gamma))

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example: 1."""
        return torch.ones_like(rows, dtype=torch.get_default_dtype())


@dataclass(frozen=True)
class BoundMixture(BoundExampleLoss):
    """share · first + (1 − share) · second, for one training set."""

    first: BoundExampleLoss
    second: BoundExampleLoss
    share: float

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return self.first.shape

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        first, second = (loss.per_example(logits, labels, rows) for loss in self._both)
        return self.share * first + (1 - self.share) * second

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example: those of the two losses, mixed alike."""
        first, second = (loss.row_weights(rows) for loss in self._both)
        return self.share * first + (1 - self.share) * second

    @property
    def _both(self) -> tuple[BoundExampleLoss, BoundExampleLoss]:
        return self.first, self.second


def vs_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    labels: Int[Tensor, " batch"],
    rows: Int[Tensor, " batch"],
    *,
    alpha: Float[Tensor, " rows"],
    beta: Float[Tensor, "#rows classes"],
    delta: Float[Tensor, "#rows classes"],
) -> Float[Tensor, " batch"]:
    """−α_s · log softmax(β_s ⊙ f + Δ_s)_y for each example of row s and label y, in nats.

    alpha  [rows]           weight of an example
    beta   [rows, classes]  multiplies the logits; [1, classes] when all rows agree
    delta  [rows, classes]  is added to the logits; LDAM shifts one entry of each row

    Not reduced, because the mean is a choice: PyTorch's `weight=` divides by the batch's total
    weight, the papers by its size. `Stage.reduce` names the one in use.
    """
    adjusted = pick(beta, rows) * upcast(logits) + pick(delta, rows)
    return alpha[rows] * F.cross_entropy(adjusted, labels, reduction="none")


def focal_cross_entropy(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"], *, g: float
) -> Float[Tensor, " batch"]:
    """−(1 − p_y)^g · log p_y of each example, in nats (lin2017focal, eq. 4)."""
    cross_entropy = F.cross_entropy(upcast(logits), labels, reduction="none")
    # 1 − exp(−CE) is zero for a sure and right example; there x^g has no finite slope for g < 1,
    # and infinity times CE = 0 would be NaN. The floor cuts the slope, which is 0 in the limit.
    missing = (-torch.expm1(-cross_entropy)).clamp_min(torch.finfo(cross_entropy.dtype).tiny)
    return missing**g * cross_entropy


def equalized_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    labels: Int[Tensor, " batch"],
    dropped: Bool[Tensor, "batch classes"],
) -> Float[Tensor, " batch"]:
    """−log softmax_y over the true class and those that are not dropped, in nats."""
    dropped = dropped.scatter(1, labels[:, None], False)
    masked = upcast(logits).masked_fill(dropped, -torch.inf)
    return F.cross_entropy(masked, labels, reduction="none")


def pick(vectors: Float[Tensor, "#rows classes"], rows: Int[Tensor, " batch"]) -> Tensor:
    """The vector of each example [batch, classes]; [1, classes] when all rows agree."""
    return vectors if vectors.shape[0] == 1 else vectors[rows]


def upcast(logits: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
    """Half precision as float32: bfloat16 has 8 bits, and log softmax differs in the ninth."""
    return logits.float() if logits.dtype in HALF else logits


def by_row(
    weights: Float[np.ndarray, " classes"], counts: TrainingCounts, device: torch.device | str
) -> Float[Tensor, " rows"]:
    """One weight for each row, from one for each class."""
    return _tensor(np.repeat(weights, counts.shape[1]), device)


def by_row_and_class(
    vector: Float[np.ndarray, " classes"] | Float[np.ndarray, "classes classes"],
    counts: TrainingCounts,
    device: torch.device | str,
) -> Float[Tensor, "#rows classes"]:
    """One vector for each row, or a single one where all rows agree."""
    vectors = np.atleast_2d(vector)
    if (vectors == vectors[0]).all():
        return _tensor(vectors[:1], device)
    return _tensor(np.repeat(vectors, counts.shape[1], axis=0), device)


def by_cell(
    weights: Float[np.ndarray, "classes groups"], device: torch.device | str
) -> Float[Tensor, " rows"]:
    """One weight for each row, from one for each cell."""
    return _tensor(weights.ravel(), device)


def by_cell_and_class(
    vectors: Float[np.ndarray, "classes groups classes"], device: torch.device | str
) -> Float[Tensor, "#rows classes"]:
    """One vector for each row, or a single one where all rows agree."""
    rows = vectors.reshape(-1, vectors.shape[2])
    return _tensor(rows[:1] if (rows == rows[0]).all() else rows, device)


def _tensor(values: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.tensor(values, dtype=torch.get_default_dtype(), device=device)
