"""Tally of one stage under way: its steps, its updates on held-out data, and what they moved."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass
class Tally:
    """What a stage did so far, apart from training the weights."""

    steps: int = 0
    """Steps of the optimiser."""
    updates: int = 0
    """Updates on held-out data."""
    first_update: int | None = None
    """1-based step that the first update preceded."""
    errors: int | None = None
    """Training examples that the earlier network misclassified, where the sampler uses them."""
    examples: int | None = None
    """Training examples in all, where the sampler uses these errors."""
    start: dict[str, Tensor] = field(default_factory=dict)
    """Learned values at the beginning of the stage, by name."""
    moved: dict[str, float] = field(default_factory=dict)
    """Largest absolute change of each, at the end of the last complete epoch."""

    def begin(self, learned: Mapping[str, Tensor]) -> None:
        """Keep the learned values with which the stage begins."""
        self.start = {name: tensor.detach().clone() for name, tensor in learned.items()}

    def count_update(self) -> None:
        """Count an update before the next step."""
        self.updates += 1
        if self.first_update is None:
            self.first_update = self.steps + 1

    @torch.no_grad()
    def measure(self, learned: Mapping[str, Tensor]) -> None:
        """Measure how far the learned values moved, without distances that are not finite."""
        found = {name: float((learned[name] - at).abs().max()) for name, at in self.start.items()}
        self.moved = {k: float(f"{v:.6g}") for k, v in found.items() if math.isfinite(v)}

    def state(self) -> dict[str, Any]:
        """The tally as plain containers and tensors."""
        return dict(vars(self))
