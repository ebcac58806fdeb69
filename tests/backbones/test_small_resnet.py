"""ResNet-18 for small images, and the network released with NM21: sizes, maps, initialisation."""

from __future__ import annotations

import math

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import nn

from evenhand.backbones.networks.nm21_resnet import Block


def parameters(model):
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(("n_classes", "count"), [(10, 11_173_962), (200, 11_271_432)])
def test_resnet18_has_a_small_first_convolution_and_all_else_of_timms(n_classes, count):
    ours, timms = (
        timm.create_model(name, num_classes=n_classes) for name in ("resnet18_small", "resnet18")
    )
    assert parameters(ours) == count
    shapes, theirs = ({k: v.shape for k, v in m.state_dict().items()} for m in (ours, timms))
    assert shapes.keys() == theirs.keys()
    assert {k for k in shapes if shapes[k] != theirs[k]} == {"conv1.weight"}
    assert ours.conv1.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.1)


@pytest.mark.parametrize(("size", "stride", "side"), [(64, 1, 8), (64, 2, 4), (32, 1, 4)])
def test_the_last_maps_of_resnet18_have_an_eighth_of_the_side(size, stride, side):
    model = timm.create_model("resnet18_small", num_classes=0, stride=stride).eval()
    images = torch.randn(2, 3, size, size)
    assert model.forward_features(images).shape == (2, 512, side, side)
    assert model(images).shape == (2, 512)


def test_the_network_released_with_nm21_has_300762_parameters_in_47_layers():
    model = timm.create_model("nm21_resnet47")
    assert parameters(model) == 300_762
    layers = [name for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    shortcuts = [name for name in layers if "shortcut" in name]
    assert (len(layers) - len(shortcuts), len(shortcuts)) == (47, 3)
    assert model.bn.num_features == 64


def test_its_first_maps_are_36_by_36_and_its_last_9_by_9():
    model = timm.create_model("nm21_resnet47").eval()
    images = torch.randn(2, 3, 32, 32)
    assert model.stem(images).shape == (2, 16, 36, 36)
    assert model.forward_features(images).shape == (2, 64, 9, 9)


def test_a_stride_of_2_pads_at_the_end_alone():
    block = Block(4, 8, stride=2, is_first=True)
    x = torch.randn(2, 8, 6, 6)
    by_hand = F.conv2d(F.pad(x, (0, 1, 0, 1)), block.second[0].weight, stride=2)
    torch.testing.assert_close(block.second[0](x), by_hand)
    assert block(torch.randn(2, 4, 6, 6)).shape == (2, 8, 3, 3)


def test_its_convolutions_and_its_head_are_kaiming_normal():
    torch.manual_seed(0)
    model = timm.create_model("nm21_resnet47", num_classes=1000)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.2)


@pytest.mark.parametrize("name", ["resnet18_small", "nm21_resnet47"])
def test_timm_conventions_hold(name):
    model = timm.create_model(name, num_classes=7, in_chans=1).eval()
    images = torch.randn(2, 1, 16, 16)
    maps = model.forward_features(images)
    assert model.num_features == model.head_hidden_size == maps.shape[1]
    pooled = model.forward_head(maps, pre_logits=True)
    torch.testing.assert_close(pooled, maps.mean((2, 3)))
    assert model.get_classifier().out_features == 7 and model.num_classes == 7
    model.reset_classifier(3)
    assert model(images).shape == (2, 3)
    model.reset_classifier(0)
    torch.testing.assert_close(model(images), pooled)
