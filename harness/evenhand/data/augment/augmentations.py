"""Augmentation as batched tensor code on images in bytes, on their device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

from jaxtyping import UInt8
from pydantic import Field

from evenhand.declared.decorators import augmentation

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Batch = UInt8[Tensor, "batch channels height width"]


@runtime_checkable
class Augmentation(Protocol):
    """A random transform of a batch of images, each of which draws its own numbers."""

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch: ...


@dataclass(frozen=True)
class Crop:
    """Pad with black on every side, then crop the original size at a random place."""

    padding: int

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch:
        import torch
        import torch.nn.functional as F

        n, channels, height, width = images.shape
        device, span = images.device, 2 * self.padding + 1
        padded = F.pad(images, [self.padding] * 4)
        shift = torch.randint(span, (2, n, 1), generator=generator, device=device)
        rows = (shift[0] + torch.arange(height, device=device))[:, None, :, None]
        columns = (shift[1] + torch.arange(width, device=device))[:, None, None, :]
        image = torch.arange(n, device=device)[:, None, None, None]
        channel = torch.arange(channels, device=device)[None, :, None, None]
        return padded[image, channel, rows, columns]


@dataclass(frozen=True)
class Flip:
    """Mirror left and right with probability one half."""

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch:
        import torch

        mirrored = torch.rand(len(images), generator=generator, device=images.device) < 0.5
        return torch.where(mirrored[:, None, None, None], images.flip(3), images)


@dataclass(frozen=True)
class Cutout:
    """Black squares, each around a pixel drawn at random; those at the border are cut off.

    A square of even side s reaches from s/2 pixels before its centre to s/2 − 1 after it.
    """

    size: int
    holes: int

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch:
        import torch

        n, _, height, width = images.shape
        device = images.device
        row = torch.randint(height, (self.holes, n, 1), generator=generator, device=device)
        column = torch.randint(width, (self.holes, n, 1), generator=generator, device=device)
        in_rows = self._covers(torch.arange(height, device=device), row)[..., :, None]
        in_columns = self._covers(torch.arange(width, device=device), column)[..., None, :]
        cut = (in_rows & in_columns).any(0)
        return images.masked_fill(cut[:, None], 0)

    def _covers(self, places: Tensor, centre: Tensor) -> Tensor:
        first = centre - self.size // 2
        return (places >= first) & (places < first + self.size)


@augmentation(static=True)
def crop(padding: Annotated[int, Field(ge=1)] = 4) -> Augmentation:
    """Random crop of the original size, after padding with `padding` black pixels on every side."""
    return Crop(padding)


@augmentation(static=True)
def flip() -> Augmentation:
    """Random horizontal flip, with probability 1/2."""
    return Flip()


@augmentation(cite="devries2017improved", static=True)
def cutout(
    size: Annotated[int, Field(ge=1)] = 16, holes: Annotated[int, Field(ge=1)] = 1
) -> Augmentation:
    """Cutout: `holes` black squares of side `size` at random places, cut off at the border.

    The paper applies it after normalisation, so that the holes have the mean colour. The code of
    wang2023unified applies it before, as all augmentations here are: its holes are black.
    """
    return Cutout(size, holes)
