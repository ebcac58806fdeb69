"""Operations on images in bytes, each image of a batch with a magnitude of its own.

They are AutoAugment's (cubuk2019autoaugment) and mean what torchvision's of the same names mean:
nearest pixels, what moves in from outside is grey. Magnitude 0 changes nothing, where there is one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from jaxtyping import Float, UInt8

if TYPE_CHECKING:
    from torch import Tensor

    from harness.data.augmentations import Batch

    Magnitudes = Float[Tensor, " batch"]
    Places = Float[Tensor, "#batch #height #width"]

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
    return images if images.shape[1] == 1 else _away(images, _grey(images), magnitudes)


def contrast(images: Batch, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the mean of the grey image."""
    return _away(images, _grey(images).float().mean((1, 2, 3), keepdim=True), magnitudes)


def sharpness(images: Batch, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the blurred image; the outermost pixels stay."""
    from torchvision.transforms.v2 import functional

    blurred: Tensor = functional.adjust_sharpness(images, 0.0)
    # Not `_away`, which is less exact where the two are equal: at the edges they all are.
    return _bytes(images.float() - _each(magnitudes).float() * (blurred.float() - images.float()))


def shear_y(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Each column up by m times its distance from the left edge."""
    rows, columns = _places(images)
    return _fetched(images, rows + _each(magnitudes)[:, 0] * (columns + 0.5), columns)


def translate_x(images: Batch, magnitudes: Magnitudes) -> Batch:
    """To the right by m of the width, in whole pixels."""
    rows, columns = _places(images)
    return _fetched(images, rows, columns - _each(magnitudes * images.shape[3])[:, 0].trunc())


def translate_y(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Down by m of the height, in whole pixels."""
    rows, columns = _places(images)
    return _fetched(images, rows - _each(magnitudes * images.shape[2])[:, 0].trunc(), columns)


def rotate(images: Batch, magnitudes: Magnitudes) -> Batch:
    """Counter-clockwise about the centre by m degrees."""
    rows, columns = _places(images)
    middle_row, middle_column = (images.shape[2] - 1) / 2, (images.shape[3] - 1) / 2
    down, right = rows - middle_row, columns - middle_column
    angle = _each(magnitudes * (math.pi / 180))[:, 0]
    cos, sin = angle.cos(), angle.sin()
    from_row = sin * right + cos * down + middle_row
    from_column = cos * right - sin * down + middle_column
    return _fetched(images, from_row, from_column)


def _each(magnitudes: Magnitudes) -> Float[Tensor, "batch 1 1 1"]:
    return magnitudes[:, None, None, None]


def _bytes(values: Float[Tensor, "batch channels height width"]) -> Batch:
    """Cut off at 0 and 255, and behind the point, as torchvision does."""
    import torch

    return values.clamp(0, 255).to(torch.uint8)


def _grey(images: Batch) -> UInt8[Tensor, "batch 1 height width"]:
    from torchvision.transforms.v2 import functional

    grey: Tensor = functional.rgb_to_grayscale(images)
    return grey


def _away(images: Batch, origin: Tensor, magnitudes: Magnitudes) -> Batch:
    """1 + m times as far from the origin."""
    factor = 1 + _each(magnitudes)
    return _bytes(images * factor.float() + origin * (1 - factor).float())


def _places(images: Batch) -> tuple[Places, Places]:
    """Row and column of every pixel, as [1, height, 1] and [1, 1, width]."""
    import torch

    height, width = images.shape[2:]
    rows = torch.arange(height, dtype=torch.float64, device=images.device)
    columns = torch.arange(width, dtype=torch.float64, device=images.device)
    return rows[None, :, None], columns[None, None, :]


def _fetched(images: Batch, rows: Places, columns: Places) -> Batch:
    """Images whose pixels come from the places nearest to these; grey where there are none."""
    import torch

    channels, height, width = images.shape[1:]
    row, column = rows.round().long(), columns.round().long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    everywhere = place.flatten(1)[:, None].expand(len(images), channels, -1)
    fetched = images.flatten(2).gather(2, everywhere).view_as(images)
    return torch.where(inside[:, None], fetched, OUTSIDE)
