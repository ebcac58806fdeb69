"""Operations on images in bytes, each image of a batch with a magnitude of its own.

They are AutoAugment's (cubuk2019autoaugment) and mean what torchvision's of the same names mean:
nearest pixels, what moves in from outside is grey. Magnitude 0 changes nothing, where there is one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jaxtyping import Float, Shaped

from evenhand.data.augment import geometry

if TYPE_CHECKING:
    from torch import Tensor

    from evenhand.data.augment.augmentations import Batch
    from evenhand.data.augment.geometry import Places

    Magnitudes = Float[Tensor, " batch"]

OUTSIDE = 128


def invert(images: Batch, magnitudes: Magnitudes) -> Batch:
    """255 − x."""
    return images.bitwise_not()


def autocontrast(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Stretch each channel to 0..255."""
    from torchvision.transforms.v2 import functional

    stretched: Tensor = functional.autocontrast(images)
    return stretched


def equalize(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Flatten each channel's histogram."""
    from torchvision.transforms.v2 import functional

    flattened: Tensor = functional.equalize(images)
    return flattened


def solarize(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Invert what is at least 255 − m."""
    import torch

    return torch.where(images >= _each(255 - magnitudes), images.bitwise_not(), images)


def posterize(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Drop the lowest round(m) bits."""
    import torch

    dropped = 2 ** magnitudes.round() - 1
    return images & _each((255 - dropped).to(torch.uint8))


def brightness(images: Batch, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from black."""
    return _bytes(images * _each(1 + magnitudes).float())


def color(images: Batch, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the grey image; what is grey already stays."""
    return images if images.shape[1] == 1 else _away(images, grey(images), magnitudes)


def contrast(images: Batch, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the mean of the grey image."""
    return _away(images, grey(images).float().mean((1, 2, 3), keepdim=True), magnitudes)


def sharpness(images: Batch, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the blurred image; the outermost pixels stay."""
    from torchvision.transforms.v2 import functional

    blurred: Tensor = functional.adjust_sharpness(images, 0.0)
    # Not `_away`, which is less exact where the two are equal: at the edges they all are.
    return _bytes(images.float() - _each(magnitudes).float() * (blurred.float() - images.float()))


def shear_y(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Each column up by m times its distance from the left edge."""
    return _moved(images, geometry.sheared_y, magnitudes)


def translate_x(images: Batch, magnitudes: Magnitudes) -> Batch:
    """To the right by m of the width, in whole pixels."""
    return _moved(images, geometry.shifted_x, (magnitudes * images.shape[3]).trunc())


def translate_y(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Down by m of the height, in whole pixels."""
    return _moved(images, geometry.shifted_y, (magnitudes * images.shape[2]).trunc())


def rotate(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Counter-clockwise about the centre by m degrees."""
    return _moved(images, geometry.rotated, magnitudes)


def _each(magnitudes: Magnitudes) -> Float[Tensor, "batch 1 1 1"]:
    return magnitudes[:, None, None, None]


def _bytes(values: Float[Tensor, "batch channels height width"]) -> Batch:
    """Cut off at 0 and 255, and behind the point, as torchvision does."""
    import torch

    return values.clamp(0, 255).to(torch.uint8)


def grey(
    images: Shaped[Tensor, "batch channels height width"],
) -> Shaped[Tensor, "batch 1 height width"]:
    """ITU-R 601's luma; also of values between 0 and 1."""
    from torchvision.transforms.v2 import functional

    luma: Tensor = functional.rgb_to_grayscale(images)
    return luma


def _away(images: Batch, origin: Tensor, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the origin."""
    factor = 1 + _each(magnitudes)
    return _bytes(images * factor.float() + origin * (1 - factor).float())


def _moved(
    images: Batch, source: Callable[[Places, Magnitudes], Places], amounts: Magnitudes
) -> Batch:
    """From the nearest pixels; in float64, so that they are torchvision's for PIL images."""
    import torch

    at = source(geometry.pixels(images, torch.float64), amounts)
    return geometry.fetched(images, at, OUTSIDE)
