"""Augmentation, image by image, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.data.augmentations import Crop, Flip
from harness.spec.registry import REGISTRY

IMAGES = (
    torch.arange(600 * 2 * 5 * 4, dtype=torch.int64).reshape(600, 2, 5, 4).remainder(251).byte()
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=list(REGISTRY.all("augmentation")), ids=lambda entry: entry.name)
def augmentation(request):
    return REGISTRY.make("augmentation", request.param.resolve())


def test_it_keeps_shape_and_bytes_and_its_input(augmentation):
    before = IMAGES.clone()
    out = augmentation(IMAGES, generator())
    assert out.shape == IMAGES.shape
    assert out.dtype == torch.uint8
    assert torch.equal(IMAGES, before)


def test_it_depends_on_its_generator_alone(augmentation):
    torch.manual_seed(1)
    first = augmentation(IMAGES, generator())
    torch.manual_seed(2)
    assert torch.equal(first, augmentation(IMAGES, generator()))
    assert not torch.equal(first, augmentation(IMAGES, generator(1)))


@pytest.mark.parametrize("padding", [1, 2])
def test_a_crop_is_one_of_the_windows_of_the_padded_image(padding):
    out = Crop(padding)(IMAGES, generator()).numpy()
    edges = [(0, 0), (padding, padding), (padding, padding)]
    seen = set()
    for before, after in zip(IMAGES.numpy(), out, strict=True):
        padded = np.pad(before, edges)
        places = [
            (r, c)
            for r in range(2 * padding + 1)
            for c in range(2 * padding + 1)
            if (padded[:, r : r + 5, c : c + 4] == after).all()
        ]
        assert places
        seen.update(places)
    assert len(seen) == (2 * padding + 1) ** 2


def test_a_flip_mirrors_about_half_of_the_images_left_and_right():
    out = Flip()(IMAGES, generator())
    mirrored = (out == IMAGES.flip(3)).all(-1).all(-1).all(-1)
    kept = (out == IMAGES).all(-1).all(-1).all(-1)
    assert (mirrored ^ kept).all()
    assert 250 < int(mirrored.sum()) < 350
