"""timm's ResNet-18 for small images, registered with timm as `resnet18_small`.

The first convolution is 3×3 and nothing pools after it, as is common for 32 and 64 pixels: the last
maps have an eighth of the images' side, where ResNet-18 for ImageNet leaves a thirty-second. All
else is timm's, weights at the start as well: the last batch normalisation of each block starts at
zero.
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
    """Two basic blocks in each of four stages. stride: of the first convolution."""
    made = {"block": BasicBlock, "layers": (2, 2, 2, 2), "in_chans": in_chans, **options}
    model: Any = build_model_with_cfg(ResNet, "resnet18_small", pretrained, **made)
    model.conv1 = nn.Conv2d(in_chans, WIDTH, 3, stride=stride, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    network: ResNet = model
    return network
