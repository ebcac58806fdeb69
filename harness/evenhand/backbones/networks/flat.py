"""Networks on flattened input, for small images and features: linear, or with a hidden layer."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from evenhand.backbones.networks.head import linear_head

FLAT = {"url": "", "num_classes": 10, "input_size": (3, 32, 32), "fixed_input_size": True}
default_cfgs = generate_default_cfgs(
    {"evenhand_flatten.untrained": FLAT, "evenhand_mlp.untrained": FLAT}
)


class Flat(nn.Module):
    """Flattening, a hidden layer of ReLUs unless hidden = 0, and a linear head."""

    def __init__(
        self, num_classes: int = 10, in_chans: int = 3, img_size: int = 32, *, hidden: int = 0
    ) -> None:
        super().__init__()
        inputs = in_chans * img_size**2
        self.hidden = linear_head(inputs, hidden) if hidden else None
        self.num_features = self.head_hidden_size = hidden or inputs
        self.reset_classifier(num_classes)

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the head by a new linear one; with num_classes = 0 by none."""
        self.num_classes = num_classes
        self.head = linear_head(self.num_features, num_classes) if num_classes else nn.Identity()

    def forward_features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b features"]:
        """The flattened input, or the hidden layer."""
        flat = x.flatten(1)
        return flat if self.hidden is None else F.relu(self.hidden(flat))

    def forward_head(
        self, x: Float[Tensor, "b features"], pre_logits: bool = False
    ) -> Float[Tensor, "b classes"]:
        """Apply the head unless pre_logits."""
        return x if pre_logits else self.head(x)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        return self.forward_head(self.forward_features(x))


@register_model
def evenhand_flatten(pretrained: bool = False, **options: Any) -> Flat:
    """Linear map of the flattened input."""
    model: Flat = build_model_with_cfg(Flat, "evenhand_flatten", pretrained, **options)
    return model


@register_model
def evenhand_mlp(pretrained: bool = False, hidden: int = 256, **options: Any) -> Flat:
    """MLP with one hidden layer."""
    model: Flat = build_model_with_cfg(Flat, "evenhand_mlp", pretrained, hidden=hidden, **options)
    return model
