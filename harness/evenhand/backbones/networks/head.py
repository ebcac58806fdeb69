"""The last layer: linear, or cosine between feature and class weight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from evenhand.declared.method import Head


class CosineHead(nn.Module):
    """cos(w_c, h): both normalised, no bias, no scale (cao2019learning).

    The scale s of LDAM is part of its loss, so that predictions read the cosines.
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.in_features, self.out_features = n_features, n_classes
        uniform = torch.empty(n_classes, n_features).uniform_(-1, 1)
        self.weight = nn.Parameter(F.normalize(uniform, dim=1))

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Cosines in [−1, 1]."""
        # LDAM multiplies these by 30, and bfloat16 near 1 has steps of 0.004: no autocast here.
        with torch.autocast(features.device.type, enabled=False):
            unit = F.normalize(features.to(self.weight.dtype), dim=1)
            return F.linear(unit, F.normalize(self.weight, dim=1))


def linear_head(n_features: int, n_classes: int, *, is_kaiming: bool = True) -> nn.Linear:
    """Linear layer with bias, as PyTorch makes it; is_kaiming: Kaiming-normal weights.

    Kaiming-normal as in he2015delving; the bias is PyTorch's either way.
    """
    layer = nn.Linear(n_features, n_classes)
    if is_kaiming:
        nn.init.kaiming_normal_(layer.weight)
    return layer


def make_head(head: Head, n_features: int, n_classes: int, *, is_kaiming: bool = True) -> nn.Module:
    """The head that a method asks for; a cosine head starts in one way alone."""
    if head == "cosine":
        return CosineHead(n_features, n_classes)
    return linear_head(n_features, n_classes, is_kaiming=is_kaiming)
