"""The tensors behind the reductions over cells; `bind` imports it.

Row = label · groups + group. Nothing is read back from the device: a step may be a CUDA graph.
Sums over cells are masked sums, which add in the same order every time; scattering would not.
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
    """Mean loss of each cell in a batch, 0 where it has none there."""

    values: Float[Tensor, " rows"]
    is_there: Bool[Tensor, " rows"]


def risks(losses: Float[Tensor, " batch"], rows: Int[Tensor, " batch"], *, n_rows: int) -> Risks:
    """Of the cells in a batch."""
    member = rows[:, None] == torch.arange(n_rows, device=rows.device)
    size = member.sum(0)
    sums = torch.where(member, losses[:, None], 0).sum(0)
    return Risks(sums / size.clamp_min(1), size > 0)


def gaps(
    values: Float[Tensor, "classes groups"], is_there: Bool[Tensor, "classes groups"]
) -> Float[Tensor, " classes"]:
    """Largest less smallest of each class over the groups that are there; 0 for fewer than two."""
    highest = values.masked_fill(~is_there, -torch.inf).amax(1)
    lowest = values.masked_fill(~is_there, torch.inf).amin(1)
    # Not as a product: of a class that is absent the difference is −∞.
    return torch.where(is_there.sum(1) > 1, highest - lowest, 0)


@dataclass(frozen=True)
class BoundGroupDRO:
    """q on its way, as log q: a weight that has become tiny can come back."""

    eta: float
    adjustment: Float[Tensor, " rows"]
    names: tuple[str, ...]
    log_weights: Float[Tensor, " rows"]

    @classmethod
    def uniform(
        cls,
        eta: float,
        adjustment: Float[np.ndarray, " rows"],
        names: Sequence[str],
        *,
        device: torch.device | str,
    ) -> BoundGroupDRO:
        """As it begins."""
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
        """q of each cell."""
        weights = self.log_weights.exp().tolist()
        return {f"group weight {name}": q for name, q in zip(self.names, weights, strict=True)}

    def tensors(self) -> dict[str, Tensor]:
        """log q."""
        return {"log_weights": self.log_weights}


@dataclass(frozen=True)
class BoundRiskGaps:
    """For one training set. shape is [classes, groups]."""

    share: float
    shape: tuple[int, ...]

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

    def learn(self, losses: Float[Tensor, " batch"], rows: Int[Tensor, " batch"]) -> None:
        """It keeps nothing."""

    def curves(self) -> dict[str, float]:
        """None."""
        return {}

    def tensors(self) -> dict[str, Tensor]:
        """None."""
        return {}
