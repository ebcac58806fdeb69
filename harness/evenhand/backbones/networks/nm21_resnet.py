"""Network of the code of narasimhan2021training, registered with timm as `nm21_resnet47`.

That code calls it ResNet-32. It has 47 weight layers from the image to the logits: a 3×3
convolution, 15 blocks of three convolutions, and a linear head. Four differences from other ResNets
are deliberate: images are padded by three pixels, so that the first maps are 36×36; a block has one
width throughout; the first block of every stage has a convolution as its shortcut; and a batch
normalisation follows the last block. Where the stride is 2, maps are padded at their end only, as
in TensorFlow. Initial weights are Kaiming-normal; that code draws those of the head from N(0,
0.01²), and truncates the others at two standard deviations.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from timm.layers.create_conv2d import create_conv2d
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from evenhand.backbones.networks.head import linear_head

WIDTHS = (16, 32, 64)
BLOCKS = 5

default_cfgs = generate_default_cfgs(
    {
        "nm21_resnet47.untrained": {
            "url": "",
            "num_classes": 10,
            "input_size": (3, 32, 32),
            "mean": (0.5, 0.5, 0.5),
            "std": (1.0, 1.0, 1.0),
            "first_conv": "stem.0",
            "classifier": "head",
        }
    }
)


def _convolution(width_in: int, width: int, size: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution with TensorFlow's padding, and batch normalisation."""
    options = {"stride": stride, "padding": "same"}
    conv = create_conv2d(width_in, width, size, **options)  # type: ignore[no-untyped-call]
    return nn.Sequential(conv, nn.BatchNorm2d(width))


class Block(nn.Module):
    """1×1, 3×3 and 1×1 convolutions of one width, and a shortcut around them."""

    def __init__(self, width_in: int, width: int, *, stride: int, is_first: bool) -> None:
        super().__init__()
        self.first = _convolution(width_in, width, 1)
        self.second = _convolution(width, width, 3, stride=stride)
        self.third = _convolution(width, width, 1)
        self.shortcut: nn.Module = nn.Identity()
        if is_first:
            self.shortcut = _convolution(width_in, width, 1, stride=stride)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        out = F.relu(self.first(x), inplace=True)
        out = F.relu(self.second(out), inplace=True)
        return F.relu(self.third(out).add_(self.shortcut(x)), inplace=True)


class ReleasedResNet(nn.Module):
    """Three stages of five blocks; with num_classes = 0 it returns pooled features."""

    def __init__(self, num_classes: int = 10, in_chans: int = 3) -> None:
        super().__init__()
        self.num_features = self.head_hidden_size = WIDTHS[-1]
        conv = nn.Conv2d(in_chans, WIDTHS[0], 3, padding=3, bias=False)
        self.stem = nn.Sequential(conv, nn.BatchNorm2d(WIDTHS[0]), nn.ReLU(inplace=True))
        blocks, before = [], WIDTHS[0]
        for stage, width in enumerate(WIDTHS):
            for i in range(BLOCKS):
                stride = 2 if stage and not i else 1
                blocks.append(Block(before, width, stride=stride, is_first=not i))
                before = width
        self.blocks = nn.Sequential(*blocks)
        self.bn = nn.BatchNorm2d(WIDTHS[-1])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        self.reset_classifier(num_classes)

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the head by a new linear one; with num_classes = 0 by none."""
        assert global_pool in (None, "avg"), "average pooling is the only one"
        self.num_classes = num_classes
        self.head = linear_head(self.num_features, num_classes) if num_classes else nn.Identity()

    def forward_features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        """Features before pooling: 64 channels at a quarter of the padded resolution."""
        features: Tensor = self.bn(self.blocks(self.stem(x)))
        return features

    def forward_head(
        self, x: Float[Tensor, "b d i j"], pre_logits: bool = False
    ) -> Float[Tensor, "b classes"]:
        """Average over the pixels, then apply the head unless pre_logits."""
        pooled = x.mean((2, 3))
        return pooled if pre_logits else self.head(pooled)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        return self.forward_head(self.forward_features(x))


@register_model
def nm21_resnet47(pretrained: bool = False, **options: Any) -> ReleasedResNet:
    """Network of 300,762 parameters for ten classes."""
    model: ReleasedResNet = build_model_with_cfg(
        ReleasedResNet, "nm21_resnet47", pretrained, **options
    )
    return model
