"""A source of the user's own is checked before anything is drawn from it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from evenhand.data.splits import load
from evenhand.declared.decorators import dataset
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError
from tests.data.samples import make_source

SOURCE = make_source([6, 5, 4], groups=2, val=3)
IMAGES = SOURCE.train


def altered(source, **changes):
    """A copy without the checks of types, which tests alone have."""
    found = copy.copy(source)
    for name, value in changes.items():
        object.__setattr__(found, name, value)
    return found


def loaded(source, **facts):
    @dataset(**facts)
    def mine():
        """A data set of a test."""
        return source

    return load(REGISTRY.part("dataset", "mine"))


@pytest.mark.parametrize(
    "facts",
    [{}, {"n_classes": 3, "n_groups": 2, "shape": [8, 8, 1], "classes": ["a", "b", "c"]}],
)
def test_a_source_that_is_right_is_left_as_it_is(unregistered, facts):
    found = loaded(altered(SOURCE, classes=["a", "b", "c"]), **facts)
    assert found.train is SOURCE.train
    assert found.classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("changes", "facts", "says"),
    [
        ({"train": TensorDataset(torch.zeros(2), torch.zeros(2))}, {}, "train is a TensorDataset"),
        ({"test": None}, {}, "test is nothing"),
        ({"train": IMAGES.pixels}, {}, r"train is a ndarray\n  write `Images\("),
        ({"val": (IMAGES.pixels, IMAGES.labels)}, {}, "val is a tuple of 2"),
        (
            {"classes": ("a", "b")},
            {},
            r"train has labels such as 2, .* names 2 classes\n  count .* 1",
        ),
        ({"groups": ("all",)}, {}, r"has groups such as 1, and the source names 1 groups"),
        ({"test": make_source([1, 1, 1], side=6).test}, {}, r"images of 6×6×1\n.*train are 8×8×1"),
        ({}, {"n_classes": 4}, r"states n_classes = 4, and the data have 3\n  correct"),
        ({}, {"shape": (8, 8, 3)}, r"states shape = \(8, 8, 3\), and the data have \(8, 8, 1\)"),
        ({}, {"classes": ("c", "b", "a")}, "states classes = "),
        ({}, {"n_groups": 1}, "states n_groups = 1"),
    ],
)
def test_what_does_not_fit_is_said(unregistered, changes, facts, says):
    with pytest.raises(DataError, match=says):
        loaded(altered(SOURCE, **changes), **facts)


PIXELS, LABELS, GROUPS = IMAGES.pixels, IMAGES.labels, IMAGES.groups


@pytest.mark.parametrize(
    ("pixels", "labels", "groups", "says"),
    [
        (PIXELS / 255, LABELS, GROUPS, r"pixels of float64 and shape \[15, 8, 8, 1\]"),
        (PIXELS.astype(np.float32), LABELS, GROUPS, "pixels of float32"),
        (PIXELS[..., 0], LABELS, GROUPS, r"shape \[15, 8, 8\]"),
        (torch.tensor(PIXELS), LABELS, GROUPS, r"pixels of torch\.uint8"),
        (PIXELS[:0], LABELS[:0], GROUPS[:0], "with n of at least 1"),
        (PIXELS, LABELS[:-1], GROUPS, r"labels of int64 and shape \[14\]\n  give an array of 15"),
        (PIXELS, LABELS / 1, GROUPS, "labels of float64"),
        (PIXELS, LABELS, GROUPS[:, None], r"groups of int64 and shape \[15, 1\]"),
        (PIXELS, LABELS - 1, GROUPS, "labels such as -1"),
        (PIXELS, LABELS, None, "groups of object"),
    ],
)
def test_arrays_of_another_kind_are_refused(unregistered, pixels, labels, groups, says):
    images = altered(IMAGES, pixels=pixels, labels=labels, groups=groups)
    with pytest.raises(DataError, match=f"mine: train has (.|\n)*{says}"):
        loaded(altered(SOURCE, train=images, val=None))
