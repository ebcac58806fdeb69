"""PyTorch kernels of the reductions; `bind` imports this module.

The row of an example is label · groups + group. No value is copied to the CPU, because a step can
be a CUDA graph. Sums over cells are masked sums, which are deterministic; scatter-add on a GPU is
not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class Risks(NamedTuple):
    """Risks of all cells in one batch."""

    values: Float[Tensor, " rows"]
    """Mean loss of each cell; 0 for a cell without an example in the batch."""
    is_there: Bool[Tensor, " rows"]
    """Whether the batch has an example of each cell."""


def risks(losses: Float[Tensor, " batch"], rows: Int[Tensor, " batch"], *, n_rows: int) -> Risks:
    """Mean loss of each cell in a batch."""
    member = rows[:, None] == torch.arange(n_rows, device=rows.device)
    size = member.sum(0)
    sums = torch.where(member, losses[:, None], 0).sum(0)
    return Risks(sums / size.clamp_min(1), size > 0)


def gaps(
    values: Float[Tensor, "classes groups"], is_there: Bool[Tensor, "classes groups"]
) -> Float[Tensor, " classes"]:
    """Largest minus smallest value of each class over the groups in the batch.

    A class with fewer than two groups in the batch has the gap 0.
    """
    highest = values.masked_fill(~is_there, -torch.inf).amax(1)
    lowest = values.masked_fill(~is_there, torch.inf).amin(1)
    # A product with the mask would be NaN: the difference of a class that is absent is −∞.
    return torch.where(is_there.sum(1) > 1, highest - lowest, 0)


class Stateless:
    """The methods of a reduction that does not change during training."""

    def learn(self, losses: Tensor, rows: Tensor) -> None:
        """Do nothing: there is no state to update."""
        return

    def curves(self) -> dict[str, float]:
        """Empty: there are no curves."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """Empty: there is no state to save."""
        return {}


@dataclass(frozen=True)
class BoundGroupDRO:
    """Group DRO, bound to one training set, with the current weights q of the cells.

    The weights are kept as log q, so that a weight cannot underflow to 0 and stay there.
    """

    eta: float
    """Step size of the exponentiated gradient ascent on q."""
    adjustment: Float[Tensor, " rows"]
    """Number added to the risk of each cell."""
    names: tuple[str, ...]
    """Names of the cells."""
    log_weights: Float[Tensor, " rows"]
    """log q of each cell, updated in place."""

    @classmethod
    def uniform(
        cls,
        eta: float,
        adjustment: Float[np.ndarray, " rows"],
        names: Sequence[str],
        *,
        device: torch.device | str,
    ) -> BoundGroupDRO:
        """Group DRO with uniform weights, before training."""
        added = torch.tensor(adjustment, dtype=torch.get_default_dtype(), device=device)
        return cls(eta, added, tuple(names), torch.full_like(added, -np.log(len(names))))

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        """Σ_s q_s L_s over the cells in the batch."""
        found = risks(losses, rows, n_rows=len(self.names))
        return (self.log_weights.exp() * found.values).sum()

    @torch.no_grad()
    def learn(self, losses: Float[Tensor, " batch"], rows: Int[Tensor, " batch"]) -> None:
        """q_s ← q_s · exp(eta · (L_s + adjustment_s)) for the cells in the batch, then Σ q = 1."""
        found = risks(losses, rows, n_rows=len(self.names))
        gain = torch.where(found.is_there, self.eta * (found.values + self.adjustment), 0)
        self.log_weights.copy_(torch.log_softmax(self.log_weights + gain, 0))

    def curves(self) -> dict[str, float]:
        """Weight q of each cell by name."""
        weights = self.log_weights.exp().tolist()
        return {f"group weight {name}": q for name, q in zip(self.names, weights, strict=True)}

    def tensors(self) -> dict[str, Tensor]:
        """State to save and restore: log q."""
        return {"log_weights": self.log_weights}


@dataclass(frozen=True)
class BoundRiskGaps(Stateless):
    """Gaps of risks between groups, bound to one training set."""

    share: float
    """Weight of the mean loss, in [0, 1]."""
    shape: tuple[int, ...]
    """Numbers of classes and groups."""

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        """share · mean + (1 − share) · Σ_y gap_y."""
        found = risks(losses, rows, n_rows=int(np.prod(self.shape)))
        values, is_there = (tensor.reshape(self.shape) for tensor in found)
        return self.share * losses.mean() + (1 - self.share) * gaps(values, is_there).sum()


@dataclass(frozen=True)
class BoundCVaR(Stateless):
    """Conditional value at risk of the losses of a batch."""

    alpha: float
    """Share of the examples that counts."""

    def __call__(
        self,
        losses: Float[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
        weights: Callable[[], Tensor],
    ) -> Float[Tensor, ""]:
        """Σ_i q_i ℓ_i with q_i = 1/(alpha · n) for the largest losses, until Σ q = 1."""
        n = self.alpha * len(losses)
        sorted_losses = losses.sort(descending=True, stable=True).values
        place = torch.arange(len(losses), device=losses.device, dtype=losses.dtype)
        return ((n - place).clamp(0, 1) * sorted_losses).sum() / n
