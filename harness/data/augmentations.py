"""Augmentation as batched tensor code on the raw bytes, on whatever device holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol, runtime_checkable

from jaxtyping import UInt8
from pydantic import Field

from harness.spec.registry import augmentation

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Batch = UInt8[Tensor, "batch channels height width"]


@runtime_checkable
class Augmentation(Protocol):
    """A random map of a batch onto itself; every image draws its own numbers."""

    def __call__(self, images: Batch, generator: torch.Generator) -> Batch: ...


@dataclass(frozen=True)
class Crop:
    """Pad with black on every side, then cut the old size out at a random place."""

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


@augmentation()
def crop(padding: Annotated[int, Field(ge=1)] = 4) -> Augmentation:
    """Random crop after padding with black."""
    return Crop(padding)


@augmentation()
def flip() -> Augmentation:
    """Random horizontal flip."""
    return Flip()
