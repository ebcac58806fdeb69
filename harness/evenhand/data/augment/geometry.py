"""Geometric transforms of batches of images, each image by an amount of its own.

A transform maps each pixel of the result to the place in the image that it comes from. Bytes are
sampled from the nearest pixel (`operations`), values in [0, 1] by bilinear interpolation
(`policy_operations`). The amount 0 changes nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from jaxtyping import Float, Shaped

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Amounts = Float[Tensor, " batch"]
    Images = Shaped[Tensor, "batch channels height width"]


class Places(NamedTuple):
    """Row and column of places in an image, where the centre of the first pixel is 0."""

    rows: Float[Tensor, "#batch #height #width"]
    columns: Float[Tensor, "#batch #height #width"]


def pixels(images: Images, dtype: torch.dtype) -> Places:
    """Places of all pixels, as [1, height, 1] and [1, 1, width]."""
    import torch

    height, width = images.shape[2:]
    rows = torch.arange(height, dtype=dtype, device=images.device)
    columns = torch.arange(width, dtype=dtype, device=images.device)
    return Places(rows[None, :, None], columns[None, None, :])


def sheared_x(at: Places, amounts: Amounts) -> Places:
    """Shear: each row moves left by m times its distance from the upper edge."""
    return Places(at.rows, at.columns + _each(amounts) * (at.rows + 0.5))


def sheared_y(at: Places, amounts: Amounts) -> Places:
    """Shear: each column moves up by m times its distance from the left edge."""
    return Places(at.rows + _each(amounts) * (at.columns + 0.5), at.columns)


def shifted_x(at: Places, amounts: Amounts) -> Places:
    """Shift to the right by m pixels."""
    return Places(at.rows, at.columns - _each(amounts))


def shifted_y(at: Places, amounts: Amounts) -> Places:
    """Shift down by m pixels."""
    return Places(at.rows - _each(amounts), at.columns)


def rotated(at: Places, amounts: Amounts) -> Places:
    """Rotate counter-clockwise about the centre by m degrees."""
    middle_row, middle_column = (at.rows.numel() - 1) / 2, (at.columns.numel() - 1) / 2
    down, right = at.rows - middle_row, at.columns - middle_column
    angle = _each(amounts * (math.pi / 180))
    cos, sin = angle.cos(), angle.sin()
    from_row = sin * right + cos * down + middle_row
    from_column = cos * right - sin * down + middle_column
    return Places(from_row, from_column)


def sample_nearest(images: Images, at: Places, outside: float) -> Images:
    """Images sampled from the nearest pixels; `outside` is the value beyond the edge."""
    import torch

    channels, height, width = images.shape[1:]
    row, column = at.rows.round().long(), at.columns.round().long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    everywhere = place.flatten(1)[:, None].expand(len(images), channels, -1)
    found = images.flatten(2).gather(2, everywhere).view_as(images)
    return torch.where(inside[:, None], found, outside)


def sample_bilinear(images: Images, at: Places, outside: float) -> Images:
    """Images sampled by bilinear interpolation; `outside` is the value beyond the edge.

    The result is differentiable in the places. At a whole number, where the derivative jumps, it is
    that towards the next pixel. `grid_sample` is not used, because its gradient on a GPU is not
    deterministic and raises in deterministic mode.
    """
    top, left = at.rows.floor(), at.columns.floor()
    down, right = (at.rows - top)[:, None], (at.columns - left)[:, None]

    def corner(below: int, beside: int) -> Images:
        return sample_nearest(images, Places(top + below, left + beside), outside)

    upper = corner(0, 0) * (1 - right) + corner(0, 1) * right
    lower = corner(1, 0) * (1 - right) + corner(1, 1) * right
    return upper * (1 - down) + lower * down


def _each(amounts: Amounts) -> Float[Tensor, "batch 1 1"]:
    return amounts[:, None, None]
