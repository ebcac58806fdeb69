"""AutoAugment's operations on images in bytes, each image by a magnitude of its own.

They are equal to torchvision's operations of the same names: pixels are sampled from the nearest
place, and the area beyond the edge is grey. The magnitude 0 changes nothing, in operations that use
their magnitude.
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
    """Invert the pixels whose value is at least 255 − m."""
    import torch

    return torch.where(images >= _each(255 - magnitudes), images.bitwise_not(), images)


def posterize(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Drop the lowest round(m) bits."""
    import torch

    dropped = 2 ** magnitudes.round() - 1
    return images & _each((255 - dropped).to(torch.uint8))


def brightness(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Multiply the distance from black by 1 + m."""
    return _bytes(images * _each(1 + magnitudes).float())


def color(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Multiply the distance from the grey image by 1 + m; grey images stay as they are."""
    return images if images.shape[1] == 1 else _away(images, grey(images), magnitudes)


def contrast(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Multiply the distance from the mean of the grey image by 1 + m."""
    return _away(images, grey(images).float().mean((1, 2, 3), keepdim=True), magnitudes)


def sharpness(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Multiply the distance from the blurred image by 1 + m; the outermost pixels stay."""
    from torchvision.transforms.v2 import functional

    blurred: Tensor = functional.adjust_sharpness(images, 0.0)
    # Not `_away`, which is less exact where the two are equal: at the edges they all are.
    return _bytes(images.float() - _each(magnitudes).float() * (blurred.float() - images.float()))


def shear_y(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Move each column up by m times its distance from the left edge."""
    return _moved(images, geometry.sheared_y, magnitudes)


def translate_x(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Move right by m times the width, in whole pixels."""
    return _moved(images, geometry.shifted_x, (magnitudes * images.shape[3]).trunc())


def translate_y(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Move down by m times the height, in whole pixels."""
    return _moved(images, geometry.shifted_y, (magnitudes * images.shape[2]).trunc())


def rotate(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Rotate counter-clockwise about the centre by m degrees."""
    return _moved(images, geometry.rotated, magnitudes)


def _each(magnitudes: Magnitudes) -> Float[Tensor, "batch 1 1 1"]:
    return magnitudes[:, None, None, None]


def _bytes(values: Float[Tensor, "batch channels height width"]) -> Batch:
    """Values clamped to 0..255 and truncated, as in torchvision."""
    import torch

    return values.clamp(0, 255).to(torch.uint8)


def grey(
    images: Shaped[Tensor, "batch channels height width"],
) -> Shaped[Tensor, "batch 1 height width"]:
    """Luma by ITU-R 601, of bytes or of values in [0, 1]."""
    from torchvision.transforms.v2 import functional

    luma: Tensor = functional.rgb_to_grayscale(images)
    return luma


def _away(images: Batch, origin: Tensor, magnitudes: Magnitudes) -> Batch:
    """Multiply the distance from an origin by 1 + m."""
    factor = 1 + _each(magnitudes)
    return _bytes(images * factor.float() + origin * (1 - factor).float())


def _moved(
    images: Batch, source: Callable[[Places, Magnitudes], Places], amounts: Magnitudes
) -> Batch:
    """Sample from the nearest pixels, in float64, as torchvision does for PIL images."""
    import torch

    at = source(geometry.pixels(images, torch.float64), amounts)
    return geometry.sample_nearest(images, at, OUTSIDE)
