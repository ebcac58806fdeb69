"""Any backbone that a recipe can name is made for the images, or refused in words."""

from __future__ import annotations

import math

import pytest
import timm
import torch

from evenhand.backbones.names import Backbone
from evenhand.backbones.networks.build import build
from evenhand.backbones.networks.head import CosineHead
from evenhand.declared.base import canonical
from evenhand.declared.registry import REGISTRY
from evenhand.errors import BackboneError


def build_for(name, settings=None, *, n_classes=10, head="linear", channels=1, size=8):
    part = REGISTRY.part("backbone", name, settings)
    return build(part, n_classes=n_classes, head=head, in_channels=channels, image_size=size)


@pytest.mark.parametrize("head", ["linear", "cosine"])
@pytest.mark.parametrize(
    "name", ["cifar_resnet8", "resnet18_small", "nm21_resnet47", "linear", "mlp"]
)
def test_our_backbones_take_small_grey_images(name, head):
    network = build_for(name, n_classes=4, head=head)
    images = torch.randn(3, 1, 8, 8)
    assert network(images).shape == (3, 4)
    assert torch.equal(network.eval()(images), network.head(network.features(images)))


@pytest.mark.parametrize("entry", list(REGISTRY.all("backbone")), ids=lambda e: e.name)
def test_every_backbone_is_declared_with_defaults_and_known_to_timm(entry):
    required = {s.name for s in entry.settings.values() if s.required}
    backbone = entry.make(**dict.fromkeys(required, "resnet18"))
    assert isinstance(backbone, Backbone) and timm.is_model(backbone.model)
    assert entry.summary.endswith(".") and hash(backbone)


def test_the_settings_of_a_backbone_reach_its_network():
    plain, projected = (build_for("cifar_resnet32", {"shortcut": s}, channels=3) for s in "AB")
    parameters = [sum(p.numel() for p in n.parameters()) for n in (plain, projected)]
    assert parameters == [464_154, 466_906]
    assert build_for("mlp", {"hidden": 17}).head.in_features == 17


def test_init_torch_reaches_the_body_and_the_head():
    network = build_for("cifar_resnet8", {"shortcut": "B", "init": "torch"}, n_classes=1000)
    for layer in (network.body.conv, network.head):
        assert layer.weight.abs().max().item() <= 1 / math.sqrt(layer.weight[0].numel())


def test_an_init_that_is_not_named_leaves_no_mark_on_a_trial():
    named, bare = (REGISTRY.part("backbone", "cifar_resnet8", s) for s in ({"init": "torch"}, {}))
    assert canonical(bare) == '{"name":"cifar_resnet8","settings":{"shortcut":"A"},"version":1}'
    assert canonical(named) != canonical(bare)


def test_features_can_stand_in_for_images():
    network = build_for("linear", n_classes=2, channels=512, size=1)
    assert network.head.in_features == 512


@pytest.mark.parametrize(
    ("model", "channels", "size", "features"),
    [
        ("resnet10t", 1, 8, 512),
        ("mobilenetv3_small_050", 3, 32, 1024),
        ("vit_tiny_patch16_224", 3, 32, 192),
    ],
)
def test_a_model_of_timm_is_made_for_the_input(model, channels, size, features):
    network = build_for("timm", {"model": model}, head="cosine", channels=channels, size=size)
    assert isinstance(network.head, CosineHead) and network.head.in_features == features
    assert network.training and all(m.training for m in network.modules())
    assert network(torch.randn(2, channels, size, size)).shape == (2, 10)


def test_a_misspelt_model_is_refused_with_the_nearest_names():
    with pytest.raises(BackboneError, match=r"'resnet81'\n.*resnet18"):
        build_for("timm", {"model": "resnet81"})


@pytest.mark.parametrize("model", ["convnext_atto", "vit_tiny_patch16_224"])
def test_a_model_too_large_for_the_images_is_refused(model):
    with pytest.raises(BackboneError, match=rf"'{model}' .* 8×8 .* 1 channel"):
        build_for("timm", {"model": model})


def test_weights_that_do_not_exist_are_refused():
    with pytest.raises(BackboneError, match=r"'cifar_resnet8'(.|\n)*pretrained"):
        build_for("timm", {"model": "cifar_resnet8", "pretrained": True})


def test_a_model_without_feature_vectors_is_refused():
    backbone = Backbone("resnet10t", {"global_pool": ""})
    with pytest.raises(BackboneError, match=r"\[2, 512, 1, 1\]"):
        build(backbone, n_classes=10, head="linear", in_channels=3, image_size=32)


@pytest.mark.parametrize("name", ["cifar_resnet8", "resnet18_small", "nm21_resnet47", "mlp"])
def test_one_seed_gives_one_network_and_one_body_for_all_heads(name):
    states = []
    for head in ("linear", "linear", "cosine"):
        torch.manual_seed(5)
        states.append(build_for(name, head=head).state_dict())
    first, again, cosine = states
    assert all(torch.equal(first[key], again[key]) for key in first)
    body = [key for key in first if key.startswith("body.")]
    assert body and all(torch.equal(first[key], cosine[key]) for key in body)


def test_a_linear_model_may_start_at_zero_and_have_no_intercept():
    part = REGISTRY.part("backbone", "linear", {"init": "zero", "intercept": False})
    made = build(part, n_classes=2, head="linear", in_channels=5, image_size=1)
    assert not made.head.weight.any() and not made.head.bias.any()
    assert made.head.weight.requires_grad and not made.head.bias.requires_grad
    with pytest.raises(BackboneError, match="cosine head"):
        build(part, n_classes=2, head="cosine", in_channels=5, image_size=1)


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        # PyTorch's own linear layer: uniform in ±1/√features, here 512.
        ("resnet10t", 32, 1 / (3 * 512) ** 0.5),
        # Truncated normal of standard deviation 0.02 in timm's vision transformers and ConvNeXts.
        ("vit_tiny_patch16_224", 32, 0.02),
        ("convnext_atto", 32, 0.02),
    ],
)
def test_a_head_on_a_model_of_timm_begins_as_the_models_own(model, size, expected):
    torch.manual_seed(0)
    part = REGISTRY.part("backbone", "timm", {"model": model})
    weight = build(part, n_classes=100, head="linear", in_channels=3, image_size=size).head.weight
    assert weight.std().item() == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("head", "factor"), [("kaiming", 1.0), ("zero", 0.0)])
def test_a_recipe_may_begin_the_head_otherwise(head, factor):
    torch.manual_seed(0)
    part = REGISTRY.part("backbone", "timm", {"model": "resnet10t", "head": head})
    weight = build(part, n_classes=100, head="linear", in_channels=3, image_size=32).head.weight
    assert weight.std().item() == pytest.approx(factor * (2 / 512) ** 0.5, rel=0.03)


def test_heads_on_our_own_networks_begin_kaiming_normal():
    torch.manual_seed(0)
    part = REGISTRY.part("backbone", "resnet18_small")
    weight = build(part, n_classes=100, head="linear", in_channels=3, image_size=32).head.weight
    assert weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.03)


def test_options_fit_a_transformer_to_small_images():
    settings = {"model": "test_vit", "options": {"patch_size": 2}}
    network = build_for("timm", settings, head="linear", channels=1, size=8)
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 10)


def test_an_option_that_a_model_does_not_have_is_refused():
    with pytest.raises(BackboneError, match="patch"):
        build_for("timm", {"model": "resnet10t", "options": {"patch": 2}}, channels=1, size=8)
