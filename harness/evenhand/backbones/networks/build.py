"""Building of networks: a body of timm that fits the images, and the method's head."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import timm
import torch
from jaxtyping import Float
from timm.models import get_pretrained_cfg
from torch import Tensor, nn

import evenhand.backbones.networks.cifar_resnet
import evenhand.backbones.networks.flat
import evenhand.backbones.networks.nm21_resnet
import evenhand.backbones.networks.small_resnet  # noqa: F401  all register their models with timm
from evenhand.backbones.names import Backbone
from evenhand.backbones.networks.head import make_head
from evenhand.backbones.networks.own import TAKES, check_features, own_body
from evenhand.backbones.networks.weights import READ_ERRORS, check_checkpoint, weights_file
from evenhand.declared.base import Part
from evenhand.declared.method import Head
from evenhand.declared.registry import REGISTRY
from evenhand.errors import BackboneError

MODEL_ERRORS = (
    RuntimeError,
    ValueError,
    TypeError,
    AssertionError,
    ArithmeticError,
    LookupError,
    OSError,
)
"""Exceptions of timm's models for an input or option that they do not support.

OSError comes from fetching weights."""

SMALL = (
    "name a backbone for such images (cifar_resnet32, mlp and linear take any), "
    "or a problem with larger ones"
)
FETCH = "set pretrained to false, name weights that timm has, or fetch them into its cache first"


class Network(nn.Module):
    """A body that gives features, and a head that gives logits."""

    def __init__(self, body: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def features(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch features"]:
        """Features that the head receives."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch classes"]:
        logits: Tensor = self.head(self.body(images))
        return logits


def build(
    backbone: Part | Backbone,
    *,
    n_classes: int,
    head: Head,
    in_channels: int,
    image_size: int,
    root_of: Callable[[str], Path] = lambda _: Path(),
) -> Network:
    """Build a network with initial weights, for square images of image_size pixels a side.

    The weights come from torch's global generator, those of the body first: at one seed, methods
    with different heads have the same body. root_of gives the data root that has a file of weights.

    Raises `BackboneError` where timm has no such model, where weights are missing or of another
    model, where the model does not support these images, and where a body of the user's own gives
    no features.
    """
    name = "" if isinstance(backbone, Backbone) else backbone.name
    if isinstance(backbone, Part):
        sizes = {"in_channels": in_channels, "image_size": image_size}
        backbone = REGISTRY.make("backbone", backbone, **sizes)
    if not isinstance(backbone, Backbone):
        body = own_body(name, backbone)
        features = _own_features(name, body, in_channels, image_size)
        check_features(name, body, features, n_classes)
        return Network(body, make_head(head, features.shape[1], n_classes))
    body = _body(backbone, in_channels, image_size, root_of)
    n_features = _feature_width(backbone.model, body, in_channels, image_size)
    is_ours = timm.model_entrypoint(backbone.model).__module__.startswith("evenhand.")
    is_kaiming = backbone.kaiming_head or (is_ours and backbone.options.get("init") != "torch")
    made = make_head(head, n_features, n_classes, is_kaiming=is_kaiming)
    if head == "linear" and not is_ours and not is_kaiming:
        made = _own_head(backbone, n_features, n_classes, in_channels, image_size) or made
    _constrain_head(made, backbone)
    return Network(body, made)


def _own_head(
    backbone: Backbone, n_features: int, n_classes: int, in_channels: int, image_size: int
) -> nn.Linear | None:
    """The head that timm's model begins with; None where it is not one linear layer."""
    options = {**backbone.options, "pretrained": False}
    bare = replace(backbone, options=options, weights=None)
    whole = _body(bare, in_channels, image_size, lambda _: Path(), n_classes)
    find: Any = getattr(whole, "get_classifier", lambda: None)
    found = find()
    if not isinstance(found, nn.Linear) or found.bias is None:
        return None
    return found if (found.in_features, found.out_features) == (n_features, n_classes) else None


def _constrain_head(head: nn.Module, backbone: Backbone) -> None:
    """Set the head to zero or remove its intercept, if the backbone declares it.

    Raises `BackboneError` for a cosine head.
    """
    if backbone.intercept and not backbone.from_zero:
        return
    if not isinstance(head, nn.Linear):
        raise BackboneError(
            "a cosine head cannot start at zero and has no intercept\n"
            "  remove the backbone's `init` and `intercept`, or use a method with a linear head"
        )
    if backbone.from_zero:
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
    if not backbone.intercept:
        # The bias stays a parameter, so that every linear head has the same two.
        nn.init.zeros_(head.bias)
        head.bias.requires_grad_(False)


def _body(
    backbone: Backbone,
    in_channels: int,
    image_size: int,
    root_of: Callable[[str], Path],
    n_classes: int = 0,
) -> nn.Module:
    """Make timm's model for this input, by default without its head. Raises `BackboneError`."""
    if not timm.is_model(backbone.model):
        raise BackboneError(_unknown(backbone.model))
    options: dict[str, Any] = dict(backbone.options)
    if backbone.weights:
        file = weights_file(backbone.weights, root_of(backbone.weights))
        options |= {"pretrained": True, "pretrained_cfg_overlay": {"file": str(file)}}
    config = get_pretrained_cfg(backbone.model)
    # Transformers and MLPs are made for one image size; only they, which timm marks, accept it.
    if config is not None and config.fixed_input_size:
        options["img_size"] = image_size
    try:
        return timm.create_model(
            backbone.model, num_classes=n_classes, in_chans=in_channels, **options
        )
    except (*MODEL_ERRORS, *READ_ERRORS) as error:
        if backbone.weights:
            check_checkpoint(weights_file(backbone.weights, root_of(backbone.weights)))
        what = f"timm cannot make {backbone.model!r} for"
        todo = FETCH if backbone.options.get("pretrained") else SMALL
        todo = f"name weights of {backbone.model!r}" if backbone.weights else todo
        raise BackboneError(_refusal(what, in_channels, image_size, error, todo)) from error


def _feature_width(model: str, body: nn.Module, in_channels: int, image_size: int) -> int:
    """Width of the features for this input, measured by a forward pass.

    The width that timm declares is that for the model's own image size. Raises `BackboneError`
    where the body does not support the input.
    """
    try:
        features = _forward(body, in_channels, image_size)
    except MODEL_ERRORS as error:
        what = f"{model!r} cannot take"
        raise BackboneError(_refusal(what, in_channels, image_size, error, SMALL)) from error
    if not isinstance(features, Tensor) or features.ndim != 2 or features.shape[1] == 0:
        shape = list(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise BackboneError(
            f"a head needs features [images, features]; {model!r} gives {shape} for 2 images\n"
            "  name a model that pools, such as resnet18"
        )
    return features.shape[1]


def _own_features(name: str, body: nn.Module, in_channels: int, image_size: int) -> Any:
    """Features of a user's own body for this input. Raises `BackboneError`."""
    try:
        return _forward(body, in_channels, image_size)
    except (Exception, SystemExit) as error:
        # Foreign code may raise anything.
        what = f"{name} cannot take"
        raise BackboneError(_refusal(what, in_channels, image_size, error, TAKES)) from error


def _forward(body: nn.Module, in_channels: int, image_size: int) -> Any:
    """What a body gives for two images."""
    body.eval()
    with torch.no_grad():
        features = body(torch.zeros(2, in_channels, image_size, image_size))
    body.train()
    return features


def _unknown(model: str) -> str:
    nearest = difflib.get_close_matches(model, timm.list_models(), n=5)
    hint = f"\n  did you mean {', '.join(nearest)}?" if nearest else ""
    return (
        f"timm {timm.__version__} has no model {model!r}{hint}\n"
        "  `timm.list_models()` lists them; a name may end in a full stop and a set of weights"
    )


def _refusal(what: str, in_channels: int, image_size: int, error: BaseException, todo: str) -> str:
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return (
        f"{what} {image_size}×{image_size} images of {in_channels} channels\n"
        f"  {type(error).__name__}: {reason}\n"
        f"  {todo}"
    )
