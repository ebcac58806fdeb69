"""The tensors behind `learned.py`, which imports this module when it binds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from evenhand.declared.labels import TrainingCounts
from evenhand.losses.kernel import pick, upcast
from evenhand.losses.learned import RAW_DELTA, LearnedScaling, Symbol

LETTERS: dict[Symbol, str] = {"l": "l", "delta": "Δ", "tau": "τ", "w": "w"}


@dataclass(frozen=True)
class BoundLearnedScaling:
    """A learned loss for one training set.

    raw        what is learned, by symbol: l and Δ [clusters], τ [1], and log w [clusters]
    cluster    of each cell
    names      of each cluster
    log_prior  what τ multiplies
    tau        where it is not learned, and `weights_known` where w is not
    unit       what the sigmoid of Δ is divided by
    """

    raw: dict[Symbol, Tensor]
    cluster: Int[Tensor, "classes groups"]
    names: tuple[str, ...]
    log_prior: Float[Tensor, "classes groups"]
    tau: float
    weights_known: Float[Tensor, "classes groups"]
    unit: float

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        labels: Int[Tensor, " batch"],
        rows: Int[Tensor, " batch"],
    ) -> Float[Tensor, " batch"]:
        """Loss of each example, in nats."""
        group = rows % self.cluster.shape[1]
        adjusted = pick(self.multiplier().T, group) * upcast(logits) + pick(self.offset().T, group)
        return self.weights(rows) * F.cross_entropy(adjusted, labels, reduction="none")

    def weights(self, rows: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Weight of each example."""
        if "w" in self.raw:
            return self.raw["w"].exp()[self.cluster.flatten()[rows]]
        return self.weights_known.flatten()[rows]

    def multiplier(self) -> Float[Tensor, "classes groups"]:
        """What the logit of each class is multiplied by, for an example of each group."""
        if "delta" not in self.raw:
            start = torch.full_like(self.log_prior, RAW_DELTA)
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


def bound(
    spec: LearnedScaling, counts: TrainingCounts, device: torch.device | str
) -> BoundLearnedScaling:
    """As it is before anything is learned."""
    start, cluster = spec.start(counts), spec.of_clusters(counts)
    members = [np.flatnonzero(cluster.ravel() == c) for c in range(cluster.max() + 1)]
    members = [m[np.argsort(-counts.ravel()[m], kind="stable")] for m in members]
    middle = [m[len(m) // 2] for m in members]
    raw: dict[Symbol, np.ndarray] = {
        "l": start.l.ravel()[middle],
        "delta": np.full(len(middle), RAW_DELTA),
        "tau": np.array([start.tau]),
        "w": np.log(start.weights.ravel()[middle]),
    }
    one = 1 / (1 + np.exp(-RAW_DELTA)) if spec.multiplier == "one" else 1.0
    return BoundLearnedScaling(
        raw={symbol: _tensor(raw[symbol], device) for symbol in spec.learn},
        cluster=torch.tensor(cluster, device=device),
        names=tuple(cluster_name(m, counts.shape[1]) for m in members),
        log_prior=_tensor(start.log_prior, device),
        tau=start.tau,
        weights_known=_tensor(start.weights, device),
        unit=float(one),
    )


def cluster_name(cells: Sequence[int] | np.ndarray, n_groups: int) -> str:
    """`3`, `classes 0–9`, `classes 7, 2, 5, … (20)`; `class 1, group 0` where there are groups."""
    ordered = sorted(int(cell) for cell in cells)
    if n_groups > 1:
        shown = [f"class {cell // n_groups}, group {cell % n_groups}" for cell in map(int, cells)]
        return shown[0] if len(shown) == 1 else f"{shown[0]} and {len(shown) - 1} more"
    if len(ordered) == 1:
        return str(ordered[0])
    if ordered[-1] - ordered[0] + 1 == len(ordered):
        return f"classes {ordered[0]}–{ordered[-1]}"
    first = ", ".join(str(int(cell)) for cell in cells[:3])
    return f"classes {first}" if len(ordered) <= 3 else f"classes {first}, … ({len(ordered)})"


def _tensor(values: np.ndarray, device: torch.device | str) -> Tensor:
    return torch.tensor(values, dtype=torch.get_default_dtype(), device=device)
