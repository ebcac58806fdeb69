"""PyTorch kernel of the learned losses; `LearnedScaling.bind` imports this module."""

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
    """Learned loss, bound to one training set."""

    raw: dict[Symbol, Tensor]
    """Learned tensors by symbol: l, Δ and log w [clusters], and τ [1]."""
    cluster: Int[Tensor, "classes groups"]
    """Index of the cluster of each cell."""
    names: tuple[str, ...]
    """Names of the clusters."""
    log_prior: Float[Tensor, "classes groups"]
    """log π, which is multiplied by τ."""
    tau: float
    """Value of τ if it is not learned."""
    delta: float
    """Value of Δ if it is not learned."""
    weights_known: Float[Tensor, "classes groups"]
    """Weight of an example of each cell if w is not learned."""
    unit: float
    """Divisor of σ(Δ); σ(1) makes the initial factor 1."""

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
        """Factor on the logit of each class, for an example of each group."""
        if "delta" not in self.raw:
            start = torch.full_like(self.log_prior, self.delta)
            return start.sigmoid() / self.unit
        return self.raw["delta"].sigmoid()[self.cluster] / self.unit

    def offset(self) -> Float[Tensor, "classes groups"]:
        """Offset added to the logit of each class, for an example of each group."""
        tau = self.raw.get("tau", self.tau)
        offset = tau * self.log_prior
        return offset + self.raw["l"][self.cluster] if "l" in self.raw else offset

    def parameters(self) -> dict[str, Tensor]:
        """Learned tensors by symbol, for the optimiser; that of w is log w."""
        return {str(symbol): tensor for symbol, tensor in self.raw.items()}

    def curves(self) -> dict[str, float]:
        """Values of the learned parameters by name, such as `learned l 3`.

        Δ is given before the sigmoid, and w instead of its logarithm.
        """
        found: dict[str, float] = {}
        for symbol, tensor in self.raw.items():
            values = (tensor.exp() if symbol == "w" else tensor).tolist()
            called = [""] if symbol == "tau" else [f" {name}" for name in self.names]
            named = (f"learned {LETTERS[symbol]}{name}" for name in called)
            found |= dict(zip(named, values, strict=True))
        return found


def on_device(values: np.ndarray, device: torch.device | str) -> Tensor:
    """Tensor of the values in torch's default dtype."""
    return torch.tensor(values, dtype=torch.get_default_dtype(), device=device)
