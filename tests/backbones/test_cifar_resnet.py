"""The CIFAR ResNets: sizes, shortcuts, heads, initialisation, and timm's conventions."""

from __future__ import annotations

import math

import pytest
import timm
import torch
from torch import nn

from evenhand.backbones.networks.cifar_resnet import BasicBlock, CifarResNet, PaddedShortcut
from evenhand.backbones.networks.head import CosineHead, make_head


@pytest.mark.parametrize(
    ("name", "n_classes", "shortcut", "parameters"),
    [
        ("cifar_resnet32", 10, "A", 464_154),
        ("cifar_resnet32", 10, "B", 466_906),
        ("cifar_resnet32", 100, "A", 470_004),
        ("cifar_resnet56", 10, "A", 853_018),
    ],
)
def test_parameter_counts_are_those_of_the_papers(name, n_classes, shortcut, parameters):
    model = timm.create_model(name, num_classes=n_classes, shortcut=shortcut)
    assert sum(p.numel() for p in model.parameters()) == parameters


@pytest.mark.parametrize("depth", [8, 20, 32, 44, 56])
def test_depth_counts_convolutions_and_the_head(depth):
    model = timm.create_model(f"cifar_resnet{depth}")
    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth


@pytest.mark.parametrize("shortcut", ["A", "B"])
@pytest.mark.parametrize(("channels", "size"), [(3, 32), (1, 8), (3, 7), (1, 1)])
def test_any_input_size_gives_logits(shortcut, channels, size):
    model = timm.create_model("cifar_resnet8", in_chans=channels, shortcut=shortcut).eval()
    assert model(torch.zeros(2, channels, size, size)).shape == (2, 10)


def test_option_a_takes_every_second_pixel_and_pads_channels_with_zeros():
    x = torch.randn(2, 16, 7, 7)
    out = PaddedShortcut(16)(x)
    assert torch.equal(out[:, 8:24], x[:, :, ::2, ::2])
    assert not out[:, :8].any() and not out[:, 24:].any()


@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_channels_last_stays_so_through_a_block(shortcut):
    block = BasicBlock(16, 32, shortcut).to(memory_format=torch.channels_last)
    x = torch.randn(2, 16, 8, 8).contiguous(memory_format=torch.channels_last)
    out = block(x)
    assert out.shape == (2, 32, 4, 4)
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_timm_conventions_hold():
    model = timm.create_model("cifar_resnet8", num_classes=7)
    x = torch.randn(2, 3, 16, 16)
    maps = model.forward_features(x)
    assert maps.shape == (2, 64, 4, 4) and model.num_features == model.head_hidden_size == 64
    assert model.forward_head(maps, pre_logits=True).shape == (2, 64)
    assert model.get_classifier().out_features == 7 and model.num_classes == 7
    model.reset_classifier(3)
    assert model(x).shape == (2, 3)
    model.reset_classifier(0)
    torch.testing.assert_close(model(x), model.forward_head(maps, pre_logits=True), rtol=1, atol=1)
    assert model.pretrained_cfg["classifier"] == "head"
    assert "cifar_resnet32" in timm.list_models("cifar_*")


def test_no_classes_gives_pooled_features():
    model = timm.create_model("cifar_resnet8", num_classes=0).eval()
    x = torch.randn(2, 3, 16, 16)
    assert torch.equal(model(x), model.forward_features(x).mean((2, 3)))


def test_the_body_is_initialised_alike_for_every_head():
    states = []
    for options in ({"head": "linear"}, {"head": "cosine"}, {"num_classes": 0}):
        torch.manual_seed(3)
        states.append(timm.create_model("cifar_resnet8", **options).state_dict())
    body = [key for key in states[0] if not key.startswith("head.")]
    assert len(body) > 40
    for state in states[1:]:
        assert all(torch.equal(states[0][key], state[key]) for key in body)


def test_convolutions_and_linear_weights_are_kaiming_normal():
    torch.manual_seed(0)
    model = CifarResNet(8, num_classes=1000)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            fan_in = module.weight[0].numel()
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_in), rel=0.15)


def test_with_init_torch_convolutions_and_linear_weights_are_uniform_within_pytorchs_bound():
    torch.manual_seed(0)
    model = CifarResNet(8, num_classes=1000, shortcut="B", init="torch")
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(module.weight[0].numel())
            assert 0.95 * bound < module.weight.abs().max().item() <= bound
            assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)


def test_the_cosine_head_gives_cosines():
    head = make_head("cosine", 5, 4)
    features = 100 * torch.randn(6, 5)
    expected = torch.cosine_similarity(features[:, None], head.weight[None], dim=2)
    torch.testing.assert_close(head(features), expected)
    torch.testing.assert_close(head.weight.norm(dim=1), torch.ones(4))
    assert [name for name, _ in head.named_parameters()] == ["weight"]


def test_the_cosine_head_is_not_computed_in_half_precision():
    head = CosineHead(64, 10)
    features = torch.randn(6, 64).bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cosines = head(features)
    assert cosines.dtype == torch.float32
    assert torch.equal(cosines, head(features))


def test_a_feature_of_zeros_has_cosine_zero_and_a_finite_slope():
    head = CosineHead(5, 4)
    features = torch.zeros(2, 5, requires_grad=True)
    cosines = head(features)
    cosines.sum().backward()
    assert not cosines.any() and features.grad.isfinite().all()
