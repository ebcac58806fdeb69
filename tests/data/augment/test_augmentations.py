"""Augmentation, image by image, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evenhand.data.augment.augmentations import Crop, Cutout, Flip
from evenhand.declared.registry import REGISTRY

IMAGES = (
    torch.arange(600 * 2 * 5 * 4, dtype=torch.int64).reshape(600, 2, 5, 4).remainder(251).byte()
)
COLOURED = torch.randint(
    256, (64, 3, 20, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(5)
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=list(REGISTRY.all("augmentation")), ids=lambda entry: entry.name)
def augmentation(request):
    return REGISTRY.make("augmentation", request.param.resolve())


def test_it_keeps_shape_and_bytes_and_its_input(augmentation):
    before = COLOURED.clone()
    out = augmentation(COLOURED, generator())
    assert out.shape == COLOURED.shape
    assert out.dtype == torch.uint8
    assert torch.equal(COLOURED, before)


def test_it_depends_on_its_generator_alone(augmentation):
    torch.manual_seed(1)
    first = augmentation(COLOURED, generator())
    torch.manual_seed(2)
    assert torch.equal(first, augmentation(COLOURED, generator()))
    assert not torch.equal(first, augmentation(COLOURED, generator(1)))


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


def test_an_image_alone_gets_what_it_gets_among_others():
    """Each draws its own numbers, and nothing is measured over the batch."""
    black = torch.zeros_like(COLOURED)
    for entry in REGISTRY.all("augmentation"):
        made = REGISTRY.make("augmentation", entry.resolve())
        among = torch.cat([COLOURED[:32], black[32:]])
        assert torch.equal(made(COLOURED, generator())[:32], made(among, generator())[:32])


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (5, 1, 8, 8), (0, 3, 8, 8)])
def test_any_number_of_images_in_grey_or_in_colour(augmentation, shape):
    images = torch.full(shape, 200, dtype=torch.uint8)
    out = augmentation(images, generator())
    assert out.shape == images.shape
    assert out.dtype == torch.uint8


@pytest.mark.parametrize(("size", "holes"), [(1, 1), (2, 1), (3, 1), (4, 1), (2, 3), (99, 1)])
def test_a_cutout_is_black_squares_about_pixels_of_the_image(size, holes):
    white = torch.full((400, 2, 5, 4), 255, dtype=torch.uint8)
    out = Cutout(size, holes)(white, generator()).numpy()
    assert np.isin(out, (0, 255)).all()
    assert (out[:, 0] == out[:, 1]).all()
    squares = {}
    for row in range(5):
        for column in range(4):
            square = np.full((5, 4), 255)
            top, left = max(row - size // 2, 0), max(column - size // 2, 0)
            square[top : row - size // 2 + size, left : column - size // 2 + size] = 0
            squares[row, column] = square
    if holes == 1:
        seen = {where for image in out for where, s in squares.items() if (image[0] == s).all()}
        assert seen == squares.keys()
        assert all(any((image[0] == s).all() for s in squares.values()) for image in out)
    else:
        assert ((out[:, 0] == 0).sum((1, 2)) <= holes * size**2).all()
        assert (out[:, 0] == 0).sum((1, 2)).max() > 2 * size**2


def test_a_cutout_leaves_the_rest_as_it_is():
    out = Cutout(8, 1)(COLOURED, generator())
    cut = (out == 0).all(1, keepdim=True)
    assert torch.equal(torch.where(cut, COLOURED, out), COLOURED)
    assert 0.02 < float(cut.float().mean()) < 64 / 480
