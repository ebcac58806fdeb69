"""ResNet-18 of timm for small images, registered with timm as `resnet18_small`.

The first convolution is 3×3 without pooling after it, as is common for images of 32 and 64 pixels:
the last maps have 1/8 of the images' side, where those of ResNet-18 for ImageNet have 1/32.
Everything else is timm's, also the initial weights: the last batch normalisation of each block
starts at zero.
"""

from __future__ import annotations

from typing import Any

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.resnet import BasicBlock, ResNet
from torch import nn

WIDTH = 64

default_cfgs = generate_default_cfgs(
    {
        "resnet18_small.untrained": {
            "url": "",
            "num_classes": 10,
            "input_size": (3, 64, 64),
            "first_conv": "conv1",
            "classifier": "fc",
        }
    }
)


@register_model
def resnet18_small(
    pretrained: bool = False, in_chans: int = 3, stride: int = 1, **options: Any
) -> ResNet:
    """ResNet-18 of four stages with two basic blocks; `stride` is that of the first convolution."""
    made = {"block": BasicBlock, "layers": (2, 2, 2, 2), "in_chans": in_chans, **options}
    model: Any = build_model_with_cfg(ResNet, "resnet18_small", pretrained, **made)
    model.conv1 = nn.Conv2d(in_chans, WIDTH, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    network: ResNet = model
    return network
