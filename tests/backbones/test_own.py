"""A backbone may be any `nn.Module` that gives features; what is missing is said."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from evenhand.backbones.networks.build import build
from evenhand.declared.decorators import backbone
from evenhand.declared.registry import REGISTRY
from evenhand.errors import BackboneError, SpecError


def pooled(in_channels, width):
    layers = nn.Conv2d(in_channels, width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(*layers)


def built(name, settings=None, *, head="linear", channels=3, size=8):
    part = REGISTRY.part("backbone", name, settings)
    return build(part, n_classes=4, head=head, in_channels=channels, image_size=size)


@pytest.fixture
def tiny(unregistered):
    @backbone
    def tiny(in_channels: int, width: int = 5) -> nn.Module:
        """One convolution."""
        return pooled(in_channels, width)

    return tiny


@pytest.mark.parametrize("head", ["linear", "cosine"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_module_of_features_gets_a_head(tiny, head, channels):
    network = built("tiny", {"width": 7}, head=head, channels=channels)
    assert network(torch.randn(2, channels, 8, 8)).shape == (2, 4)
    assert (network.head.in_features, network.training) == (7, True)


def test_what_follows_from_the_problem_is_no_setting(tiny):
    assert REGISTRY.part("backbone", "tiny").settings == {"width": 5}
    with pytest.raises(SpecError, match="tiny has no setting 'in_channels'"):
        REGISTRY.part("backbone", "tiny", {"in_channels": 3})


def test_the_side_of_the_images_is_given_as_well(unregistered):
    @backbone
    def flat(in_channels: int, image_size: int, width: int = 3) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, width))

    assert built("flat", size=6).head.in_features == 3


def test_a_class_is_a_backbone(unregistered):
    @backbone(title="Mine")
    class Mine(nn.Module):
        """Two layers."""

        def __init__(self, width: int = 6) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(width))

        def forward(self, images):
            return self.layers(images)

    assert REGISTRY.part("backbone", "Mine").settings == {"width": 6}
    assert REGISTRY.get("backbone", "Mine").summary == "Two layers."
    assert built("Mine", {"width": 9}).head.in_features == 9


def test_weights_follow_the_seed_and_the_body_is_that_of_every_head(tiny):
    states = []
    for head in ("linear", "linear", "cosine"):
        torch.manual_seed(3)
        states.append(built("tiny", head=head).body.state_dict())
    assert all(torch.equal(states[0][k], other[k]) for other in states[1:] for k in states[0])


class Gives(nn.Module):
    """Gives what a function makes of the images."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: None, r"mine\(\) returns nothing\n  return an `nn.Module`"),
        (lambda: {"body": nn.Flatten()}, "returns a dict"),
        (lambda: nn.Flatten, r"returns the class Flatten\n  return `Flatten\(\)`"),
        (lambda: nn.Conv2d(3, 2, 3), r"features \[2, 2, 6, 6\] .*\n.*AdaptiveAvgPool2d"),
        (lambda: nn.Conv2d(1, 2, 3), r"cannot take 8×8 images of 3 channels\n(.|\n)*`in_channels`"),
        (lambda: Gives(lambda x: (x.flatten(1), x)), r"gives a tuple for 2 images"),
        (lambda: Gives(lambda x: x.flatten()[None]), r"features \[1, 384\] for 2 images"),
        (lambda: Gives(lambda x: x.flatten(1)[:, :0]), r"features \[2, 0\]"),
        (lambda: Gives(lambda x: x.flatten(1).int()), r"gives torch\.int32"),
        (lambda: Gives(lambda x: x.no), r"cannot take .*\n  AttributeError: .*'no'"),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 4)),
            r"ends with Linear\(.* each of the 4 classes\n.*the method adds the classifier",
        ),
    ],
)
def test_what_is_missing_is_said(unregistered, make, says):
    backbone(name="mine")(make)
    with pytest.raises(BackboneError, match=says):
        built("mine")


def test_a_module_is_not_shared_by_trials(unregistered):
    one = nn.Flatten()
    backbone(name="mine")(lambda: one)
    built("mine")
    with pytest.raises(BackboneError, match="the same module at every call"):
        built("mine")


def test_a_function_that_fails_is_told_with_its_line(unregistered):
    def mine():
        raise KeyError("width")

    backbone(mine)
    with pytest.raises(SpecError, match=r"test_own\.py:\d+: mine\(\) fails: KeyError"):
        built("mine")
