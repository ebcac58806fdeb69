"""Where the pixels of a moved image come from, each image by an amount of its own.

Bytes are fetched from the nearest place (`operations`), values between 0 and 1 are interpolated
(`policy_operations`). All amounts 0 leave every pixel where it is.
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
    """Row and column, counted from 0 at the middle of the first pixel."""

    rows: Float[Tensor, "#batch #height #width"]
    columns: Float[Tensor, "#batch #height #width"]


def pixels(images: Images, dtype: torch.dtype) -> Places:
    """Of every pixel, as [1, height, 1] and [1, 1, width]."""
    import torch

    height, width = images.shape[2:]
    rows = torch.arange(height, dtype=dtype, device=images.device)
    columns = torch.arange(width, dtype=dtype, device=images.device)
    return Places(rows[None, :, None], columns[None, None, :])


def sheared_x(at: Places, amounts: Amounts) -> Places:
    """Each row to the left by m times its distance from the upper edge."""
    return Places(at.rows, at.columns + _each(amounts) * (at.rows + 0.5))


def sheared_y(at: Places, amounts: Amounts) -> Places:
    """Each column up by m times its distance from the left edge."""
    return Places(at.rows + _each(amounts) * (at.columns + 0.5), at.columns)


def shifted_x(at: Places, amounts: Amounts) -> Places:
    """To the right by m pixels."""
    return Places(at.rows, at.columns - _each(amounts))


def shifted_y(at: Places, amounts: Amounts) -> Places:
    """Down by m pixels."""
    return Places(at.rows - _each(amounts), at.columns)


def rotated(at: Places, amounts: Amounts) -> Places:
    """Counter-clockwise about the centre by m degrees."""
    middle_row, middle_column = (at.rows.numel() - 1) / 2, (at.columns.numel() - 1) / 2
    down, right = at.rows - middle_row, at.columns - middle_column
    angle = _each(amounts * (math.pi / 180))
    cos, sin = angle.cos(), angle.sin()
    from_row = sin * right + cos * down + middle_row
    from_column = cos * right - sin * down + middle_column
    return Places(from_row, from_column)


def fetched(images: Images, at: Places, outside: float) -> Images:
    """Images whose pixels come from the places nearest to these; `outside` where there are none."""
    import torch

    channels, height, width = images.shape[1:]
    row, column = at.rows.round().long(), at.columns.round().long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    everywhere = place.flatten(1)[:, None].expand(len(images), channels, -1)
    found = images.flatten(2).gather(2, everywhere).view_as(images)
    return torch.where(inside[:, None], found, outside)


def interpolated(images: Images, at: Places, outside: float) -> Images:
    """Images whose pixels are blends of the four around these places; `outside` stands beyond.

    Differentiable in the places but where one is a whole number: there the slope towards the next
    pixel is taken. Not `grid_sample`, whose gradient on a GPU is none that deterministic mode has.
    """
    top, left = at.rows.floor(), at.columns.floor()
    down, right = (at.rows - top)[:, None], (at.columns - left)[:, None]

    def corner(below: int, beside: int) -> Images:
        return fetched(images, Places(top + below, left + beside), outside)

    upper = corner(0, 0) * (1 - right) + corner(0, 1) * right
    lower = corner(1, 0) * (1 - right) + corner(1, 1) * right
    return upper * (1 - down) + lower * down


def _each(amounts: Amounts) -> Float[Tensor, "batch 1 1"]:
    return amounts[:, None, None]
