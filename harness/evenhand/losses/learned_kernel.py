"""The tensors behind `learned.py`, which imports this module when it binds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.losses.bound import BoundExampleLoss, Shape
from evenhand.losses.clusters import Symbol
from evenhand.losses.kernel import pick, upcast

LETTERS: dict[Symbol, str] = {"l": "l", "delta": "Δ", "tau": "τ", "w": "w"}


@dataclass(frozen=True)
class BoundLearnedScaling(BoundExampleLoss):
    """A learned loss for one training set."""

    raw: dict[Symbol, Tensor]
    """What is learned, by symbol: l and Δ [clusters], τ [1], and log w [clusters]."""
    cluster: Int[Tensor, "classes groups"]
    """The cluster of each cell."""
    names: tuple[str, ...]
    """Names of the clusters."""
    log_prior: Float[Tensor, "classes groups"]
    """What τ multiplies."""
    tau: float
    """τ where it is not learned."""
    delta: float
    """Δ where it is not learned."""
    weights_known: Float[Tensor, "classes groups"]
    """Weights where they are not learned."""
    unit: float
    """What the sigmoid of Δ is divided by."""

    changes = True

    @property
    def shape(self) -> Shape:
        """Number of classes and groups."""
        return Shape(*self.cluster.shape)

    def per_example(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        group = rows % self.cluster.shape[1]
        adjusted = pick(self.multiplier().T, group) * upcast(logits) + pick(self.offset().T, group)
        return self.row_weights(rows) * F.cross_entropy(adjusted, labels, reduction="none")

    def row_weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example."""
        if "w" in self.raw:
            return self.raw["w"].exp()[self.cluster.flatten()[rows]]
        return self.weights_known.flatten()[rows]

    def multiplier(self) -> Float[Tensor, "classes groups"]:
        """What the logit of each class is multiplied by, for an example of each group."""
        if "delta" not in self.raw:
            start = torch.full_like(self.log_prior, self.delta)
            return start.sigmoid() / self.unit
        return self.raw["delta"].sigmoid()[self.cluster] / self.unit

    def offset(self) -> Float[Tensor, "classes groups"]:
        """What is added to it."""
        tau = self.raw.get("tau", self.tau)
        offset = tau * self.log_prior
        return offset + self.raw["l"][self.cluster] if "l" in self.raw else offset

    def parameters(self) -> dict[str, Tensor]:
        """By symbol: the tensors themselves; of w its logarithm."""
        return {str(symbol): tensor for symbol, tensor in self.raw.items()}

    def curves(self) -> dict[str, float]:
        """`learned l 3`, by class or cluster; Δ before its sigmoid, w itself."""
        found: dict[str, float] = {}
        for symbol, tensor in self.raw.items():
            values = (tensor.exp() if symbol == "w" else tensor).tolist()
            called = [""] if symbol == "tau" else [f" {name}" for name in self.names]
            named = (f"learned {LETTERS[symbol]}{name}" for name in called)
            found |= dict(zip(named, values, strict=True))
        return found


def on_device(values: np.ndarray, device: torch.device | str) -> Tensor:
    """Values in torch's default dtype."""
    return torch.tensor(values, dtype=torch.get_default_dtype(), device=device)
