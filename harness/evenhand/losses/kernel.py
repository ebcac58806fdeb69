"""PyTorch kernels of the vector-scaling family and of other losses; `bind` imports this module.

A row is an example's label or, where there are groups, its (label, group) cell:
row = label · groups + group. A loss has torch's default dtype of the time when it is bound, and
half-precision logits are converted to float32. Training uses float32. Bound with float64 as the
default dtype, losses of float64 logits are computed in float64; the random draws of the equalized
loss are in float32 all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import LossError
from evenhand.losses.bound import BoundExampleLoss, Shape

HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class BoundVectorScaling(BoundExampleLoss):
    """Loss of the vector-scaling family, bound to one training set."""

    alpha: Float[Tensor, " rows"]
    """α, the weight of an example of each row."""
    beta: Float[Tensor, "#rows classes"]
    """β, the factor on the logits."""
    delta: Float[Tensor, "#rows classes"]
    """Δ, which is added to the logits."""

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
    """Focal loss, bound to one training set."""

    g: float
    """Focusing exponent."""
    alpha: Float[Tensor, " rows"]
    """α, the weight of an example of each row."""
    n_classes: int
    """Number of classes."""

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
        """Weight of each example: α of its class, without the focal factor (1 − p)^g."""
        return self.alpha[rows]


@dataclass(frozen=True)
class BoundEqualized(BoundExampleLoss):
    """Equalized loss, bound to one training set; `drawing_from` sets its random generator."""

    gamma: float
    """Probability of dropping a rare class."""
    is_rare: Bool[Tensor, " classes"]
    """Whether each class is rare."""
    n_groups: int = 1
    """Number of groups of the training set."""
    generator: torch.Generator | None = None
    """Generator of the random draws; None for torch's global generator."""

    def drawing_from(self, generator: torch.Generator) -> BoundEqualized:
        """The same loss with a random generator, which must be on the device of its tensors."""
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
        """Loss of each example, in nats, with new random draws at each call."""
        # Always in float32, so that one generator gives the same draws in every precision.
        draws = torch.rand(
            logits.shape, generator=self.generator, device=logits.device, dtype=torch.float32
        )
        return equalized_cross_entropy(logits, labels, self.is_rare & (draws < self.gamma))

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example: 1."""
        return torch.ones_like(rows, dtype=torch.get_default_dtype())


@dataclass(frozen=True)
class BoundMixture(BoundExampleLoss):
    """share · first + (1 − share) · second, bound to one training set."""

    first: BoundExampleLoss
    """Loss with the weight `share`."""
    second: BoundExampleLoss
    """Loss with the weight 1 − `share`."""
    share: float
    """Weight of the first loss."""

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
        """Weight of each example, with the weights of the two losses mixed by `share`."""
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

    The losses are not reduced here, because two means are in use: PyTorch's `weight=` divides by
    the total weight of the batch, the papers by its size. `Stage.reduce` selects one of them.
    """
    adjusted = pick(beta, rows) * upcast(logits) + pick(delta, rows)
    return alpha[rows] * F.cross_entropy(adjusted, labels, reduction="none")


def focal_cross_entropy(
    logits: Float[Tensor, "batch classes"], labels: Int[Tensor, " batch"], *, g: float
) -> Float[Tensor, " batch"]:
    """−(1 − p_y)^g · log p_y of each example, in nats (lin2017focal, eq. 4)."""
    cross_entropy = F.cross_entropy(upcast(logits), labels, reduction="none")
    # 1 − exp(−CE) is 0 where p_y = 1. There x^g has an infinite slope for g < 1, and its product
    # with CE = 0 would be NaN. The lower limit makes the slope finite; in the limit it is 0.
    missing = (-torch.expm1(-cross_entropy)).clamp_min(torch.finfo(cross_entropy.dtype).tiny)
    return missing**g * cross_entropy


def equalized_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    labels: Int[Tensor, " batch"],
    dropped: Bool[Tensor, "batch classes"],
) -> Float[Tensor, " batch"]:
    """−log softmax_y over the true class and the classes that are not dropped, in nats."""
    dropped = dropped.scatter(1, labels[:, None], False)
    masked = upcast(logits).masked_fill(dropped, -torch.inf)
    return F.cross_entropy(masked, labels, reduction="none")


def pick(vectors: Float[Tensor, "#rows classes"], rows: Int[Tensor, " batch"]) -> Tensor:
    """Vector of each example [batch, classes], or [1, classes] where all rows are equal."""
    return vectors if vectors.shape[0] == 1 else vectors[rows]


def upcast(logits: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
    """Logits in at least float32, because bfloat16 has only 8 significant bits."""
    return logits.float() if logits.dtype in HALF else logits


def by_row(
    weights: Any, counts: TrainingCounts, device: torch.device | str
) -> Float[Tensor, " rows"]:
    """Weight of each row, from the weight of each class [classes]."""
    weights = _vector("alpha", weights, (len(counts),))
    return _tensor(np.repeat(weights, counts.shape[1]), device)


def by_row_and_class(
    vector: Any,
    counts: TrainingCounts,
    device: torch.device | str,
) -> Float[Tensor, "#rows classes"]:
    """Vector of each row, from [classes] or [true class, classes]; one where all rows are equal."""
    m = len(counts)
    vectors = np.atleast_2d(_vector("beta or delta", vector, (m,), (m, m)))
    if (vectors == vectors[0]).all():
        return _tensor(vectors[:1], device)
    return _tensor(np.repeat(vectors, counts.shape[1], axis=0), device)


def by_cell(
    weights: Any,
    counts: TrainingCounts,
    device: torch.device | str,
) -> Float[Tensor, " rows"]:
    """Weight of each row, from the weight of each cell [classes, groups]."""
    weights = _vector("alpha", weights, counts.shape)
    return _tensor(weights.ravel(), device)


def by_cell_and_class(
    vectors: Any,
    counts: TrainingCounts,
    device: torch.device | str,
) -> Float[Tensor, "#rows classes"]:
    """Vector of each row, from [classes, groups, classes]; one where all rows are equal."""
    vectors = _vector("beta or delta", vectors, (*counts.shape, len(counts)))
    rows = vectors.reshape(-1, vectors.shape[2])
    return _tensor(rows[:1] if (rows == rows[0]).all() else rows, device)


def _vector(name: str, values: Any, *shapes: tuple[int, ...]) -> np.ndarray:
    """A vector that a loss is made of, of one of these shapes. Raises `LossError`."""
    found = np.asarray(values, dtype=np.float64)
    if found.shape not in shapes:
        right = " or ".join(str(list(shape)) for shape in shapes)
        raise LossError(
            f"{name} of a loss for these counts has the shape {right}, "
            f"and what was given makes {list(found.shape)}"
        )
    if not np.isfinite(found).all():
        raise LossError(f"{name} of a loss is finite; for these counts an entry is not")
    return found


def _tensor(values: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.tensor(values, dtype=torch.get_default_dtype(), device=device)
