"""Declarations of the backbones that a recipe can name.

backbone: cifar_resnet32
backbone: {cifar_resnet32: {shortcut: B, init: torch}}
backbone: {timm: {model: convnext_tiny}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from evenhand.declared.decorators import backbone
from evenhand.errors import Mistake, SpecError

Shortcut = Literal["A", "B"]
Init = Literal["torch"]
"""torch: PyTorch's initialisation. None: Kaiming-normal, which is left out of a trial's key."""

WEIGHTS = r"^[A-Za-z0-9_.-]+-[0-9a-f]{8,64}\.(pth|pt|bin|safetensors)$"
"""Name of a file of weights with the first digits of its SHA-256, as torch.hub names them."""

HOW_WEIGHTS = (
    "write the name of a file with the first 8 or more digits of its SHA-256 before the suffix, "
    "such as resnet50-19c8e357.pth; suffixes: pth, pt, bin, safetensors"
)


NO_OPTIONS = {
    **dict.fromkeys(("num_classes", "in_chans"), "it follows from the problem"),
    **dict.fromkeys(
        ("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path"),
        "`pretrained` and `weights` of the backbone name its initial weights",
    ),
    "cache_dir": "the cache of weights is a folder of the user: set the variable HF_HOME",
}
"""Arguments of timm that are no options of a backbone, each with the reason."""


def _named_by_content(name: str) -> str:
    if not re.match(WEIGHTS, name):
        raise ValueError(HOW_WEIGHTS)
    return name


@dataclass(frozen=True)
class Backbone:
    """A model of timm's registry, with the options that it is made with."""

    model: str
    options: Mapping[str, JsonValue] = field(default_factory=dict, hash=False)
    """Options without classes, channels and image size, which follow from the problem."""
    from_zero: bool = False
    """Whether the weights of a linear head start at zero."""
    intercept: bool = True
    """Whether the linear head has an intercept; else its bias stays zero in training."""
    weights: str | None = None
    """Name of a local file of initial weights, which replace timm's."""
    kaiming_head: bool = False
    """Whether a linear head on a model of timm begins with Kaiming-normal weights."""


@backbone(cite="he2016deep", title="ResNet-8", fits="any", static=True)
def cifar_resnet8(shortcut: Shortcut = "A", init: Init | None = None) -> Backbone:
    """CIFAR ResNet, 8 layers: shortcut A pads, B is a 1×1 convolution; init torch is PyTorch's."""
    return Backbone("cifar_resnet8", {"shortcut": shortcut, "init": init})


@backbone(cite="he2016deep", title="ResNet-20", fits="any", static=True)
def cifar_resnet20(shortcut: Shortcut = "A", init: Init | None = None) -> Backbone:
    """CIFAR ResNet, 20 layers: shortcut A pads, B is a 1×1 convolution; init torch is PyTorch's."""
    return Backbone("cifar_resnet20", {"shortcut": shortcut, "init": init})


@backbone(cite="he2016deep", title="ResNet-32", fits="any", static=True)
def cifar_resnet32(shortcut: Shortcut = "A", init: Init | None = None) -> Backbone:
    """CIFAR ResNet, 32 layers: shortcut A pads, B is a 1×1 convolution; init torch is PyTorch's."""
    return Backbone("cifar_resnet32", {"shortcut": shortcut, "init": init})


@backbone(cite="he2016deep", title="ResNet-44", fits="any", static=True)
def cifar_resnet44(shortcut: Shortcut = "A", init: Init | None = None) -> Backbone:
    """CIFAR ResNet, 44 layers: shortcut A pads, B is a 1×1 convolution; init torch is PyTorch's."""
    return Backbone("cifar_resnet44", {"shortcut": shortcut, "init": init})


@backbone(cite="he2016deep", title="ResNet-56", fits="any", static=True)
def cifar_resnet56(shortcut: Shortcut = "A", init: Init | None = None) -> Backbone:
    """CIFAR ResNet, 56 layers: shortcut A pads, B is a 1×1 convolution; init torch is PyTorch's."""
    return Backbone("cifar_resnet56", {"shortcut": shortcut, "init": init})


@backbone(cite="he2016deep", title="ResNet-18, small images", fits="any", static=True)
def resnet18_small(stride: Literal[1, 2] = 1) -> Backbone:
    """ResNet-18 of timm for small images: a first convolution of 3×3 and no pooling after it.

    `stride` is that of the first convolution: 2 makes images of 64×64 as fast as 32×32 with 1.
    """
    return Backbone("resnet18_small", {"stride": stride})


@backbone(cite="narasimhan2021training", title="ResNet-47 (NM21)", fits="any", static=True)
def nm21_resnet47() -> Backbone:
    """Network of NM21's code: 15 blocks of 1×1, 3×3 and 1×1 convolutions of one width."""
    return Backbone("nm21_resnet47")


@backbone(title="Linear", fits="any", static=True, body=False)
def linear(
    init: Literal["zero"] | None = None, intercept: Literal[False] | None = None
) -> Backbone:
    """Linear model: a head on the flattened input, without a body.

    init zero: the weights start at zero. intercept false: the head has no intercept.
    """
    is_free = intercept is None
    return Backbone("evenhand_flatten", from_zero=init == "zero", intercept=is_free)


@backbone(title="MLP", fits="any", static=True)
def mlp(hidden: Annotated[int, Field(ge=1)] = 256) -> Backbone:
    """MLP with one hidden layer of `hidden` ReLUs on the flattened input."""
    return Backbone("evenhand_mlp", {"hidden": hidden})


@backbone(name="timm", cite="wightman2019timm", title="timm", version=2)
def any_of_timm(
    model: str,
    pretrained: bool = False,
    weights: Annotated[str, AfterValidator(_named_by_content)] | None = None,
    options: dict[str, JsonValue] | None = None,
    head: Literal["kaiming", "zero"] | None = None,
) -> Backbone:
    """Any model of timm by its name, as `timm.list_models()` lists it.

    `pretrained` loads timm's weights, over the network or from its cache. `weights` loads those of
    a local file in their place, such as resnet50-19c8e357.pth: it lies in the folder `weights` of
    the prepared data sets, and the digits in its name begin the SHA-256 of its content. `options`
    are further arguments of the model: `{patch_size: 4}` fits a transformer to images of 32×32. The
    linear head begins as that of the model; `head` kaiming or zero begins it with Kaiming-normal or
    zero weights.
    """
    if pretrained and weights:
        what = (
            f"timm: weights = {weights!r} replace those of `pretrained: true`, which has no effect"
        )
        raise SpecError([Mistake(what, ("pretrained",), "write one of the two")])
    for name in [name for name in options or {} if name in NO_OPTIONS]:
        what = f"timm: options = {{{name}: …}}: {NO_OPTIONS[name]}"
        raise SpecError([Mistake(what, ("options", name), "remove it from the options")])
    given = {"pretrained": pretrained, **(options or {})}
    is_zero, is_kaiming = head == "zero", head == "kaiming"
    return Backbone(model, given, from_zero=is_zero, weights=weights, kaiming_head=is_kaiming)
