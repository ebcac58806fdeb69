"""Bodies of the user's own: any `nn.Module` that gives features, to which a head is attached.

@backbone
def tiny(in_channels: int, width: int = 32) -> nn.Module:
    convolution = nn.Conv2d(in_channels, width, 3)
    return nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""

from __future__ import annotations

import weakref

from torch import Tensor, nn

from evenhand.errors import BackboneError

RETURNS = (
    "return an `nn.Module` that maps images [n, channels, height, width] to features "
    "[n, features], or a `Backbone` that names a model of timm"
)
TAKES = (
    "the function of a backbone can have the parameters `in_channels` and `image_size`, which "
    "follow from the problem"
)
POOLS = "end it with `nn.AdaptiveAvgPool2d(1)` and `nn.Flatten()`, or with `nn.Flatten()`"

_BUILT: weakref.WeakSet[nn.Module] = weakref.WeakSet()
"""Bodies that are part of a network already."""


def own_body(name: str, made: object) -> nn.Module:
    """The body that the function of a backbone returns. Raises `BackboneError` for anything else.

    A module that was returned before is refused: it would begin with the weights that another trial
    has trained.
    """
    if isinstance(made, type) and issubclass(made, nn.Module):
        raise BackboneError(
            f"{name}() returns the class {made.__name__}\n  return `{made.__name__}()`"
        )
    if not isinstance(made, nn.Module):
        what = "nothing" if made is None else f"a {type(made).__name__}"
        raise BackboneError(f"{name}() returns {what}\n  {RETURNS}")
    if made in _BUILT:
        raise BackboneError(
            f"{name}() returns the same module at every call, and every trial needs new weights\n"
            "  make the module inside the function"
        )
    _BUILT.add(made)
    return made


def check_features(name: str, body: nn.Module, features: object, n_classes: int) -> None:
    """Check what an own body gives for two images. Raises `BackboneError`."""
    if not isinstance(features, Tensor):
        what = f"a {type(features).__name__}"
        raise BackboneError(f"{name} gives {what} for 2 images\n  give one tensor [n, features]")
    if features.ndim != 2 or len(features) != 2 or not features.shape[1]:
        what = f"{name} gives features {list(features.shape)} for 2 images"
        raise BackboneError(f"{what}, and a head needs [2, features]\n  {POOLS}")
    if not features.is_floating_point():
        raise BackboneError(f"{name} gives {features.dtype}\n  give features in torch.float32")
    last = [module for module in body.modules() if not [*module.children()]][-1]
    if isinstance(last, nn.Linear) and last.out_features == n_classes == features.shape[1]:
        raise BackboneError(
            f"{name} ends with {last}, a score for each of the {n_classes} classes\n"
            "  give the features before that layer, for example by `nn.Identity()` in its place: "
            "the method adds the classifier"
        )
