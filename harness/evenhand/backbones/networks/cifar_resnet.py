"""ResNets for 32×32 images (he2016deep, Sec. 4.2), registered with timm as `cifar_resnet…`.

They have 6n + 2 layers in three stages of 16, 32 and 64 channels. Initial weights are
Kaiming-normal, as in the code of LDAM and VS; with init = "torch" they are PyTorch's, as in the
code of AutoBalance. Inputs of any size are possible; the networks are designed for 32×32.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from evenhand.backbones.names import Init, Shortcut
from evenhand.backbones.networks.head import make_head
from evenhand.declared.method import Head

WIDTHS = (16, 32, 64)

default_cfgs = generate_default_cfgs(
    {
        f"cifar_resnet{depth}.untrained": {
            "url": "",
            "num_classes": 10,
            "input_size": (3, 32, 32),
            "mean": (0.4914, 0.4822, 0.4465),
            "std": (0.2023, 0.1994, 0.2010),
            "first_conv": "conv",
            "classifier": "head",
        }
        for depth in (8, 20, 32, 44, 56)
    }
)


class PaddedShortcut(nn.Module):
    """Shortcut A: every second pixel, with new channels of zeros on both sides; no parameters."""

    def __init__(self, extra: int) -> None:
        super().__init__()
        self.extra = extra

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra // 2, self.extra // 2))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut around them."""

    def __init__(self, width_in: int, width: int, shortcut: Shortcut) -> None:
        super().__init__()
        stride = 1 if width_in == width else 2
        self.conv1 = nn.Conv2d(width_in, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut: nn.Module = nn.Identity()
        if stride == 2 and shortcut == "A":
            self.shortcut = PaddedShortcut(width - width_in)
        elif stride == 2:
            conv = nn.Conv2d(width_in, width, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(conv, nn.BatchNorm2d(width))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        # In place: batch normalisation saves its input for the backward pass, ReLU its output.
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(out)).add_(self.shortcut(x)), inplace=True)


class CifarResNet(nn.Module):
    """ResNet of 6n + 2 layers; with num_classes = 0 it has no head and returns pooled features.

    The body is initialised before the head, so that at one seed it is the same with every head.
    """

    def __init__(
        self,
        depth: int,
        num_classes: int = 10,
        in_chans: int = 3,
        *,
        shortcut: Shortcut = "A",
        init: Init | None = None,
        head: Head = "linear",
    ) -> None:
        super().__init__()
        assert depth % 6 == 2
        assert shortcut in ("A", "B")
        assert init in (None, "torch")
        assert head in ("linear", "cosine")
        self.num_features = self.head_hidden_size = WIDTHS[-1]
        self.head_kind: Head = head
        self.is_kaiming = init is None
        self.conv = nn.Conv2d(in_chans, WIDTHS[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(WIDTHS[0])
        blocks, before = [], WIDTHS[0]
        for width in WIDTHS:
            for _ in range((depth - 2) // 6):
                blocks.append(BasicBlock(before, width, shortcut))
                before = width
        self.blocks = nn.Sequential(*blocks)
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and self.is_kaiming:
                nn.init.kaiming_normal_(module.weight)
        self.reset_classifier(num_classes)

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the head by a new one of the same kind; with num_classes = 0 by none."""
        assert global_pool in (None, "avg"), "average pooling is the only one"
        self.num_classes = num_classes
        self.head = (
            make_head(self.head_kind, self.num_features, num_classes, is_kaiming=self.is_kaiming)
            if num_classes
            else nn.Identity()
        )

    def forward_features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d i j"]:
        """Features before pooling: 64 channels at a quarter of the resolution."""
        features: Tensor = self.blocks(F.relu(self.bn(self.conv(x)), inplace=True))
        return features

    def forward_head(
        self, x: Float[Tensor, "b d i j"], pre_logits: bool = False
    ) -> Float[Tensor, "b classes"]:
        """Average over the pixels, then apply the head unless pre_logits."""
        pooled = x.mean((2, 3))
        return pooled if pre_logits else self.head(pooled)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b classes"]:
        return self.forward_head(self.forward_features(x))


def _create(name: str, depth: int, pretrained: bool, **options: Any) -> CifarResNet:
    model: CifarResNet = build_model_with_cfg(CifarResNet, name, pretrained, depth=depth, **options)
    return model


@register_model
def cifar_resnet8(pretrained: bool = False, **options: Any) -> CifarResNet:
    """ResNet-8: one block in each stage."""
    return _create("cifar_resnet8", 8, pretrained, **options)


@register_model
def cifar_resnet20(pretrained: bool = False, **options: Any) -> CifarResNet:
    """ResNet-20: three blocks in each stage."""
    return _create("cifar_resnet20", 20, pretrained, **options)


@register_model
def cifar_resnet32(pretrained: bool = False, **options: Any) -> CifarResNet:
    """ResNet-32: five blocks in each stage."""
    return _create("cifar_resnet32", 32, pretrained, **options)


@register_model
def cifar_resnet44(pretrained: bool = False, **options: Any) -> CifarResNet:
    """ResNet-44: seven blocks in each stage."""
    return _create("cifar_resnet44", 44, pretrained, **options)


@register_model
def cifar_resnet56(pretrained: bool = False, **options: Any) -> CifarResNet:
    """ResNet-56: nine blocks in each stage."""
    return _create("cifar_resnet56", 56, pretrained, **options)
