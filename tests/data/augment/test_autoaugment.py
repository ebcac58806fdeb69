"""AutoAugment, operation by operation, against torchvision's on one image at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import AutoAugment as Theirs
from torchvision.transforms import AutoAugmentPolicy, InterpolationMode
from torchvision.transforms.autoaugment import _apply_op
from torchvision.transforms.v2.functional import pil_to_tensor, resize, to_pil_image

from evenhand.data.augment import autoaugment
from evenhand.data.augment.autoaugment import OPERATIONS, POLICY, AutoAugment
from evenhand.errors import DataError

THEIRS = Theirs(AutoAugmentPolicy.CIFAR10)
USED = sorted({(name, level) for pair in POLICY for name, _, level in pair})
SIZES = [(32, 32), (8, 8), (20, 24)]
BLENDS = {"Color", "Contrast", "Sharpness", "AutoContrast"}
"""Operations that torchvision's code for PIL and ours round differently, by one grey level."""


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(size, channels=3):
    """Noise, something smooth, and one colour."""
    noise = torch.randint(256, (3, channels, *size), dtype=torch.uint8, generator=generator())
    patches = torch.rand((3, channels, 4, 4), generator=generator(1)) * 200 + 20
    flat = torch.full((1, channels, *size), 77, dtype=torch.uint8)
    return torch.cat([noise, resize(patches, list(size)).byte(), flat])


def every(n, magnitude):
    return torch.full((n,), magnitude, dtype=torch.float64)


def by_torchvision(image, name, level, sign, *, as_pil):
    magnitudes, signed = THEIRS._augmentation_space(10, image.shape[1:])[name]
    magnitude = float(magnitudes[level].double()) if magnitudes.ndim else 0.0
    if name not in ("Posterize", "Solarize", "TranslateX", "TranslateY"):
        # Theirs are rounded to 32 bits, and a blend that is a whole number falls to the one below.
        assert magnitude == pytest.approx(OPERATIONS[name].most * level / 9, rel=1e-6)
        magnitude = OPERATIONS[name].most * level / 9
    assert signed == OPERATIONS[name].signed
    image = to_pil_image(image) if as_pil else image
    fill = [128] * 3 if as_pil else [128.0] * 3
    out = _apply_op(image, name, sign * magnitude, InterpolationMode.NEAREST, fill)
    return pil_to_tensor(out) if as_pil else out


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("as_pil", [False, True], ids=["tensor", "pil"])
@pytest.mark.parametrize(("name", "level"), USED)
def test_an_operation_is_torchvisions(name, level, size, as_pil):
    """Equal bytes; where one value is blended with another, one grey level here and there."""
    batch, operation = images(size), OPERATIONS[name]
    for sign in (1, -1) if operation.signed else (1,):
        found = operation.apply(batch, every(len(batch), sign * operation.most * level / 9))
        for mine, image in zip(found, batch, strict=True):
            theirs = by_torchvision(image, name, level, sign, as_pil=as_pil)
            apart = (mine.int() - theirs.int()).abs().max()
            assert apart <= (name in BLENDS)


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_image_has_its_own_magnitude(name):
    batch, operation = images((20, 24)), OPERATIONS[name]
    magnitudes = torch.linspace(-0.9, 1.0, len(batch), dtype=torch.float64) * operation.most
    magnitudes = magnitudes if operation.signed else magnitudes.abs()
    together = operation.apply(batch, magnitudes)
    alone = [operation.apply(batch[i : i + 1], magnitudes[i : i + 1]) for i in range(len(batch))]
    assert int((together.int() - torch.cat(alone).int()).abs().max()) <= (name in BLENDS)


WITHOUT_MAGNITUDE = {"AutoContrast", "Equalize", "Invert"}


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - WITHOUT_MAGNITUDE - {"Solarize"}))
def test_magnitude_0_changes_nothing(name):
    batch = images((20, 24))
    assert torch.equal(OPERATIONS[name].apply(batch, every(len(batch), 0.0)), batch)


@pytest.mark.parametrize("name", OPERATIONS)
def test_grey_images_are_the_grey_of_coloured_ones(name):
    grey, operation = images((20, 24), channels=1), OPERATIONS[name]
    magnitudes = every(len(grey), operation.most * 0.7)
    in_colour = operation.apply(grey.expand(-1, 3, -1, -1), magnitudes)
    apart = operation.apply(grey, magnitudes).int() - in_colour.int()
    assert int(apart.abs().max()) <= 2 * (name in BLENDS)


def test_the_policy_is_torchvisions():
    theirs = [
        tuple((name, chance, level or 0) for name, chance, level in pair)
        for pair in THEIRS.policies
    ]
    assert list(POLICY) == theirs
    assert {name for pair in POLICY for name, _, _ in pair} == OPERATIONS.keys()


@pytest.fixture
def drawn(monkeypatch):
    """(operation by name or None, magnitude) of each image, for the two places in turn."""
    changed, seen, names = autoaugment._changed, [], [*OPERATIONS, None]

    def watch(batch, operation, magnitude):
        seen.append([(names[o], m) for o, m in zip(operation, magnitude.tolist(), strict=True)])
        return changed(batch, operation, magnitude)

    monkeypatch.setattr(autoaugment, "_changed", watch)
    return seen


N = 5000


def test_pairs_chances_and_signs_are_drawn_as_the_policy_says(drawn):
    AutoAugment()(torch.zeros((N, 1, 2, 2), dtype=torch.uint8), generator(3))
    for place in (0, 1):
        expected = {None: 0.0}
        for pair in POLICY:
            name, chance, level = pair[place]
            operation = OPERATIONS[name]
            expected[None] += (1 - chance) / len(POLICY)
            for sign in (1, -1) if operation.signed else (1,):
                of = (name, round(sign * operation.most * level / 9, 9) + 0.0)
                share = chance / len(POLICY) / (2 if operation.signed else 1)
                expected[of] = expected.get(of, 0.0) + share
        found = [None if name is None else (name, round(m, 9) + 0.0) for name, m in drawn[place]]
        outcomes = [of for of, share in expected.items() if share]
        counts = [found.count(of) for of in outcomes]
        assert sum(counts) == N
        shares = np.array([expected[of] for of in outcomes])
        assert stats.chisquare(counts, N * shares / shares.sum()).pvalue > 0.001


def test_every_image_gets_what_it_drew_first_and_then_second(drawn):
    """The whole policy over, against torchvision's operations one after the other."""
    batch = images((20, 24)).repeat(40, 1, 1, 1)
    out = AutoAugment()(batch, generator(4))
    for image, mine, *draws in zip(batch, out, *drawn, strict=True):
        by_hand = image[None]
        for name, magnitude in draws:
            if name is not None:
                by_hand = OPERATIONS[name].apply(by_hand, every(1, magnitude))
        # A grey level apart after the first, `Equalize` may set them further apart.
        assert float((mine.int() - by_hand[0].int()).abs().float().mean()) < 1
    assert len({name for place in drawn for name, _ in place}) == len(OPERATIONS) + 1


def test_what_moves_in_from_outside_is_grey():
    white = torch.full((1, 3, 20, 24), 255, dtype=torch.uint8)
    moved = OPERATIONS["TranslateX"].apply(white, every(1, 0.25))
    assert (moved[..., :6] == 128).all() and (moved[..., 6:] == 255).all()


def test_images_that_are_neither_grey_nor_in_colour_are_refused():
    with pytest.raises(DataError, match=r"1 or 3 channels.* 2"):
        AutoAugment()(torch.zeros((2, 2, 8, 8), dtype=torch.uint8), generator())
