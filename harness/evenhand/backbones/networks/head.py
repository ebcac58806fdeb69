"""Heads: linear, linear with a scale of each class, or the cosine of features and weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from evenhand.declared.method import Head


class CosineHead(nn.Module):
    """cos(w_c, h): weights and features normalised, no bias, no scale (cao2019learning).

    The scale s of LDAM is part of its loss, so that predictions are made from the cosines.
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.in_features, self.out_features = n_features, n_classes
        uniform = torch.empty(n_classes, n_features).uniform_(-1, 1)
        self.weight = nn.Parameter(F.normalize(uniform, dim=1))

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Cosines in [−1, 1]."""
        # No autocast: LDAM multiplies the cosines by 30, and bf16 has steps of 0.004 near 1.
        with torch.autocast(features.device.type, enabled=False):
            unit = F.normalize(features.to(self.weight.dtype), dim=1)
            return F.linear(unit, F.normalize(self.weight, dim=1))


SCALE = "head.scale"
"""Name of the scale of a scaled head among the parameters of a network."""


class ScaledHead(nn.Linear):
    """s_c · (w_c · h + b_c), with a learnable scale s_c of each class that begins at 1.

    The scale of learnable weight scaling (kang2020decoupling). As in its published code, it
    multiplies the bias as well.
    """

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__(n_features, n_classes)
        self.scale = nn.Parameter(torch.ones(n_classes))

    def forward(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Scaled logits."""
        return self.scale * super().forward(features)


def effective_weights(head: nn.Linear) -> tuple[Tensor, Tensor | None]:
    """Weights [classes, features] and bias [classes] of the linear map from features to logits."""
    if not isinstance(head, ScaledHead):
        return head.weight, head.bias
    return head.scale[:, None] * head.weight, head.scale * head.bias


def linear_head(n_features: int, n_classes: int, *, is_kaiming: bool = True) -> nn.Linear:
    """Linear layer with PyTorch's initial bias.

    is_kaiming: the initial weights are Kaiming-normal (he2015delving), else PyTorch's.
    """
    layer = nn.Linear(n_features, n_classes)
    if is_kaiming:
        nn.init.kaiming_normal_(layer.weight)
    return layer


def make_head(head: Head, n_features: int, n_classes: int, *, is_kaiming: bool = True) -> nn.Module:
    """Make the head of a method; is_kaiming has no effect on a cosine head.

    A scaled head begins with the weights of the linear head at the same state of the generator.
    """
    if head == "cosine":
        return CosineHead(n_features, n_classes)
    if head == "scaled":
        made = ScaledHead(n_features, n_classes)
        if is_kaiming:
            nn.init.kaiming_normal_(made.weight)
        return made
    return linear_head(n_features, n_classes, is_kaiming=is_kaiming)
