"""PyTorch kernels of the cost-sensitive losses; `bind` imports this module inside the worker.

Gains change during training. `set_gains` computes in NumPy and copies the result into the existing
tensors, because a compiled network or a CUDA graph keeps reading the same memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from evenhand.losses.bound import BoundExampleLoss, Shape
from evenhand.losses.gains import Gains, HybridParts, ShiftedParts, floored
from evenhand.losses.kernel import upcast


@dataclass(frozen=True)
class BoundHybrid(BoundExampleLoss):
    """Hybrid loss, bound to one training set."""

    parts: Callable[[Gains], HybridParts]
    """Function that computes M and log d from gains, for this training set."""
    mixture: Float[Tensor, "rows classes"]
    """M, with one row for each label or (label, group) cell."""
    log_d: Float[Tensor, " classes"]
    """log d, which is subtracted from the logits."""
    row_weight: Float[Tensor, " rows"]
    """Weight of the examples of each row."""

    @classmethod
    def at(
        cls,
        gains: Gains,
        parts: Callable[[Gains], HybridParts],
        n_rows: int,
        device: torch.device | str,
    ) -> BoundHybrid:
        """The loss at its starting gains."""
        m = gains.shape[-1]
        blank = [torch.zeros(shape, device=device) for shape in ((n_rows, m), (m,), (n_rows,))]
        bound = cls(parts, *blank)
        bound.set_gains(gains)
        return bound

    def set_gains(self, gains: Gains) -> None:
        """Follow other gains from the next call on, in the same tensors."""
        parts = self.parts(gains)
        _copy(self.mixture, parts.mixture)
        _copy(self.log_d, parts.log_d)
        _copy(self.row_weight, floored(parts.mixture.sum(1)))

    changes = True

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(len(self.log_d), len(self.mixture) // len(self.log_d))

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        return hybrid_cross_entropy(logits, rows, mixture=self.mixture, log_d=self.log_d)

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example: Σ_i M_ri, which is G_yy where G is diagonal and d = 1."""
        return self.row_weight[rows]


@dataclass(frozen=True)
class BoundSoftmaxShifted(BoundExampleLoss):
    """Softmax-shifted loss, bound to one training set."""

    parts: Callable[[Gains], ShiftedParts | None]
    """Function that computes log α, β/α and log K from gains; None where the fallback is used."""
    epsilon: float
    """Argument of the logarithm below which the logarithm is replaced by its tangent."""
    log_alpha: Float[Tensor, " classes"]
    """log α, which is subtracted from the logits."""
    ratio: Float[Tensor, " classes"]
    """β/α."""
    log_k: Float[Tensor, ""]
    """log K."""
    fallback: BoundHybrid | None
    """Hybrid loss used by the variant "hybrid" where the formula does not apply."""
    falls_back: Bool[Tensor, ""]
    """Whether the fallback is in use."""
    n_groups: int
    """Number of groups of the training set."""

    @classmethod
    def at(
        cls,
        gains: Gains,
        parts: Callable[[Gains], ShiftedParts | None],
        fallback: BoundHybrid | None,
        device: torch.device | str,
        *,
        epsilon: float,
        n_groups: int,
    ) -> BoundSoftmaxShifted:
        """The loss at its starting gains."""
        m = len(gains)
        log_alpha, ratio, log_k = (torch.zeros(s, device=device) for s in ((m,), (m,), ()))
        falls_back = torch.zeros((), dtype=torch.bool, device=device)
        bound = cls(parts, epsilon, log_alpha, ratio, log_k, fallback, falls_back, n_groups)
        bound.set_gains(gains)
        return bound

    def set_gains(self, gains: Gains) -> None:
        """Follow other gains from the next call on, in the same tensors."""
        parts = self.parts(gains)
        self.falls_back.fill_(parts is None)
        if self.fallback is not None:
            self.fallback.set_gains(gains)
        if parts is not None:
            _copy(self.log_alpha, parts.log_alpha)
            _copy(self.ratio, parts.ratio)
            self.log_k.fill_(parts.log_k)

    changes = True

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(len(self.log_alpha), self.n_groups)

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        losses = softmax_shifted(
            logits,
            labels,
            log_alpha=self.log_alpha,
            ratio=self.ratio,
            log_k=self.log_k,
            epsilon=self.epsilon,
        )
        if self.fallback is None:
            return losses
        # Both losses and their gradients are finite, so the loss that is not selected adds no NaN.
        return torch.where(self.falls_back, self.fallback.per_example(logits, labels, rows), losses)

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example: 1, or that of the hybrid loss where it is in use."""
        ones = torch.ones_like(rows, dtype=self.log_alpha.dtype)
        if self.fallback is None:
            return ones
        return torch.where(self.falls_back, self.fallback.row_weights(rows), ones)


def hybrid_cross_entropy(
    logits: Float[Tensor, "batch classes"],
    rows: Int[Tensor, " batch"],
    *,
    mixture: Float[Tensor, "rows classes"],
    log_d: Float[Tensor, " classes"],
) -> Float[Tensor, " batch"]:
    """−Σ_i M_ri log softmax_i(s − log d) of each example of row r, in nats.

    mixture  [rows, classes]  M, which equals G where d = 1
    log_d    [classes]        is subtracted from the logits
    """
    return -(mixture[rows] * torch.log_softmax(upcast(logits) - log_d, 1)).sum(1)


def softmax_shifted(
    logits: Float[Tensor, "batch classes"],
    labels: Int[Tensor, " batch"],
    *,
    log_alpha: Float[Tensor, " classes"],
    ratio: Float[Tensor, " classes"],
    log_k: Float[Tensor, ""],
    epsilon: float,
) -> Float[Tensor, " batch"]:
    """−log(K q_y − β_y/α_y) of each example of label y, in nats, with q = softmax(s − log α).

    ratio  [classes]  β/α; where it is positive, the logarithm is replaced by its tangent below
                      epsilon
    """
    log_q = torch.log_softmax(upcast(logits) - log_alpha, 1)
    log_kq = log_k + log_q.gather(1, labels[:, None]).squeeze(1)
    ratio = ratio[labels]
    # Where the ratio is not positive, the sum is computed in logarithms, exact for all logits.
    exact = torch.logaddexp(log_kq, (-ratio).clamp_min(0).log())
    argument = log_kq.exp() - ratio
    safe = argument.clamp_min(epsilon)
    extended = safe.log() + (argument - safe) / epsilon
    return -torch.where(ratio > 0, extended, exact)


def _copy(there: Tensor, values: np.ndarray) -> None:
    there.copy_(torch.from_numpy(np.ascontiguousarray(values)))
