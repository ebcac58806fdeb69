"""AutoAugment's operations on values in [0, 1]: against torchvision's, and their gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as theirs

from evenhand.data.augment import policy_operations
from evenhand.data.augment.policy_operations import AMOUNTS, KINDS, NAMES, apply_operations

GREY = 128 / 255
BILINEAR = {"interpolation": InterpolationMode.BILINEAR}
SMOOTH = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
SMOOTH += ("Brightness", "Color", "Contrast", "Sharpness")
WITH_AMOUNT = [name for name in NAMES if AMOUNTS[name].most]
SIZES = [(32, 32), (8, 8), (20, 24)]


def images(size=(8, 8), channels=3, n=2, dtype=torch.float64):
    """Noise in whole bytes, none of them black or white."""
    generator = torch.Generator().manual_seed(0)
    levels = torch.randint(1, 255, (n, channels, *size), generator=generator)
    return levels.to(dtype) / 255


def after(batch, name, amount):
    """Each image after one operation, by one amount or one each."""
    n = len(batch)
    amounts = torch.as_tensor(amount, dtype=batch.dtype).expand(n)
    return apply_operations(batch, torch.full((n,), NAMES.index(name)), amounts)


def filled(move):
    """By torchvision about a grey of 0: given a grey to fill with, it counts the border twice."""
    return lambda x, m: move(x - GREY, m) + GREY


def sheared(x, m, at):
    shear = [0.0, 0.0]
    shear[at] = math.degrees(math.atan(m))
    return theirs.affine(x, 0, [0, 0], 1, shear, center=[0, 0], **BILINEAR)


def shifted(x, right, down):
    return theirs.affine(x, 0, [right, down], 1, [0, 0], **BILINEAR)


REFERENCES = {
    "ShearX": filled(lambda x, m: sheared(x, m, 0)),
    "ShearY": filled(lambda x, m: sheared(x, m, 1)),
    "TranslateX": filled(lambda x, m: shifted(x, m * x.shape[3], 0)),
    "TranslateY": filled(lambda x, m: shifted(x, 0, m * x.shape[2])),
    "Rotate": filled(lambda x, m: theirs.rotate(x, m, **BILINEAR)),
    "Brightness": lambda x, m: theirs.adjust_brightness(x, 1 + m),
    "Color": lambda x, m: theirs.adjust_saturation(x, 1 + m),
    "Contrast": lambda x, m: theirs.adjust_contrast(x, 1 + m),
    "Sharpness": lambda x, m: theirs.adjust_sharpness(x, 1 + m),
    "Posterize": lambda x, m: theirs.posterize((x * 255).round().byte(), 8 - round(m)) / 255,
    "Solarize": lambda x, m: theirs.solarize(x, 1 - m / 255),
    "AutoContrast": lambda x, m: theirs.autocontrast(x),
    "Equalize": lambda x, m: theirs.equalize((x * 255).round().byte()) / 255,
    "Invert": lambda x, m: theirs.invert(x),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_an_operation_is_torchvisions_interpolated(name, channels, size):
    batch, most = images(size, channels), AMOUNTS[name].most
    for share in (0.07, 0.3, 0.52, 0.97):
        for sign in (1, -1) if AMOUNTS[name].signed else (1,):
            amount = sign * share * most
            found, expected = after(batch, name, amount), REFERENCES[name](batch, amount)
            torch.testing.assert_close(found, expected.double(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", WITH_AMOUNT)
@pytest.mark.parametrize("channels", [1, 3])
def test_amount_0_changes_nothing(name, channels):
    batch = images((20, 24), channels, dtype=torch.float32)
    batch[0, 0, 0, :2] = torch.tensor([0.0, 1.0])
    torch.testing.assert_close(after(batch, name, 0.0), batch, atol=1e-6, rtol=0)


@pytest.mark.parametrize("taking", ["_of_those", "_of_all"])
def test_each_image_has_its_own_operation_and_amount(taking, monkeypatch):
    monkeypatch.setattr(policy_operations, "_of_those", getattr(policy_operations, taking))
    batch, operation = images(n=3 * len(NAMES)), torch.arange(len(NAMES)).repeat(3)
    most = torch.tensor([AMOUNTS[name].most for name in NAMES], dtype=torch.float64).repeat(3)
    amounts = most * torch.linspace(0.1, 0.9, len(batch), dtype=torch.float64)
    together = apply_operations(batch, operation, amounts)
    for i, image in enumerate(batch):
        alone = after(image[None], NAMES[operation[i]], amounts[i])
        torch.testing.assert_close(together[i], alone[0], atol=1e-12, rtol=0)


def test_every_operation_is_of_one_kind():
    assert sorted(name for _, names in KINDS for name in names) == sorted(NAMES)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_of_smooth_operations_are_those_of_finite_differences(name, channels):
    """In amounts and images. Shares at which no pixel comes from a whole place, where it kinks."""
    batch = (0.3 + 0.4 * images((4, 4), channels)).requires_grad_()
    shares = torch.tensor([0.437, -0.281], dtype=torch.float64)
    amounts = (shares * AMOUNTS[name].most).requires_grad_()
    out = after(batch, name, amounts)
    weights = torch.sin(torch.arange(out.numel(), dtype=torch.float64)).view_as(out)
    of_batch, of_amounts = torch.autograd.grad((weights * out).sum(), (batch, amounts))
    with torch.no_grad():
        step = 1e-6 * torch.cos(torch.arange(out.numel(), dtype=torch.float64)).view_as(out)
        apart = after(batch + step, name, amounts) - after(batch - step, name, amounts)
        by_hand = (weights * apart).sum() / 2
        torch.testing.assert_close((of_batch * step).sum(), by_hand, atol=1e-12, rtol=1e-5)
        step = 1e-6 * AMOUNTS[name].most
        apart = after(batch, name, amounts + step) - after(batch, name, amounts - step)
        by_hand = (weights * apart).sum((1, 2, 3)) / (2 * step)
        torch.testing.assert_close(of_amounts, by_hand, atol=1e-8, rtol=1e-5)
    assert (of_amounts != 0).all() or (name == "Color" and channels == 1)


@pytest.mark.parametrize("name", ["AutoContrast", "Invert"])
def test_gradients_without_an_amount_are_those_of_finite_differences(name):
    batch = images(n=1, channels=1, size=(3, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: after(x, name, 0.0), batch, eps=1e-6, atol=1e-6)


def slopes(name, amount):
    """Of a weighted sum of the pixels: weights, and gradients in the amount and the images."""
    batch = images().requires_grad_()
    amounts = torch.full((2,), amount, dtype=torch.float64, requires_grad=True)
    out = after(batch, name, amounts)
    weights = torch.sin(torch.arange(out.numel(), dtype=torch.float64)).view_as(out)
    of_images, of_amounts = torch.autograd.grad(
        (weights * out).sum(), (batch, amounts), materialize_grads=True
    )
    return batch.detach(), weights, of_images, of_amounts


def test_solarize_feels_its_threshold_through_a_soft_step():
    batch, weights, of_images, of_amounts = slopes("Solarize", 130.3)
    beyond = batch - 1 + 130.3 / 255
    soft = torch.sigmoid(beyond / 0.1)
    by_hand = weights * (1 - 2 * batch) * soft * (1 - soft) / 0.1 / 255
    torch.testing.assert_close(of_amounts, by_hand.sum((1, 2, 3)))
    torch.testing.assert_close(of_images, weights * torch.where(beyond > 0, -1.0, 1.0))


def test_posterize_feels_the_line_between_whole_bits():
    batch, weights, of_images, of_amounts = slopes("Posterize", 2.4)
    levels = (batch * 255).round()
    line = levels.remainder(4) / 255 - levels.remainder(8) / 255
    torch.testing.assert_close(of_amounts, (weights * line).sum((1, 2, 3)))
    torch.testing.assert_close(of_images, weights)


def test_equalize_hands_gradients_through():
    _, weights, of_images, of_amounts = slopes("Equalize", 0.0)
    torch.testing.assert_close(of_images, weights)
    assert (of_amounts == 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_images_of_one_value_have_finite_gradients(name, value):
    batch = torch.full((1, 3, 4, 4), value, requires_grad=True)
    amounts = torch.tensor([0.6 * AMOUNTS[name].most], requires_grad=True)
    out = apply_operations(batch, torch.tensor([NAMES.index(name)]), amounts)
    gradients = torch.autograd.grad(out.sum(), (batch, amounts), materialize_grads=True)
    assert out.isfinite().all() and all(gradient.isfinite().all() for gradient in gradients)


def test_the_smallest_images_stay_sharp():
    tiny = images((2, 2))
    assert torch.equal(after(tiny, "Sharpness", 0.5), tiny)
