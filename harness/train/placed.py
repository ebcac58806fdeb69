"""Images as bytes on the device that trains, and batches made of them there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from harness.data.augmentations import Augmentation
from harness.data.images import Images


@dataclass(frozen=True)
class Placed:
    """A split on a device. A row is label · n_groups + group: the cell of the counts."""

    pixels: UInt8[Tensor, "n channels height width"]
    labels: Int[Tensor, " n"]
    groups: Int[Tensor, " n"]
    rows: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, images: Images, *, n_groups: int, device: torch.device) -> Placed:
        # Copied, because arrays out of Ray's object store are read-only: torch warns of those.
        pixels = torch.from_numpy(np.array(images.pixels.transpose(0, 3, 1, 2), order="C"))
        labels = torch.from_numpy(np.array(images.labels, dtype=np.int64))
        groups = torch.from_numpy(np.array(images.groups, dtype=np.int64))
        rows = labels * n_groups + groups
        return cls(*(tensor.to(device) for tensor in (pixels, labels, groups, rows)))


@dataclass(frozen=True)
class Normalise:
    """(x / 255 − mean) / std, per channel."""

    scale: Float[Tensor, "1 channels 1 1"]
    shift: Float[Tensor, "1 channels 1 1"]

    @classmethod
    def of(
        cls, train: Placed, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> Normalise:
        """With the given statistics in units of [0, 1], else those of the training images."""
        device = train.pixels.device
        centre = _mean(train.pixels) if mean is None else torch.tensor(mean, device=device)
        spread = _deviation(train.pixels) if std is None else torch.tensor(std, device=device)
        centre, spread = centre.float()[None, :, None, None], spread.float()[None, :, None, None]
        return cls(1 / (255 * spread), -centre / spread)

    def __call__(self, pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return pixels.float() * self.scale + self.shift


def _mean(pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, " c"]:
    """Per channel, in units of [0, 1]."""
    return (pixels.double() / 255).mean((0, 2, 3))


def _deviation(pixels: UInt8[Tensor, "n c h w"]) -> Float[Tensor, " c"]:
    """Per channel, in units of [0, 1]; a channel that never changes is not blown up."""
    return (pixels.double() / 255).std((0, 2, 3)).clamp_min(1e-3)


def order(
    n: int, weights: Float[np.ndarray, " n"] | None, generator: torch.Generator
) -> Int[Tensor, " n"]:
    """The examples of one epoch: all of them shuffled, or n draws with replacement by weight."""
    if weights is None:
        return torch.randperm(n, generator=generator)
    return torch.multinomial(torch.from_numpy(weights), n, replacement=True, generator=generator)


def batches(order: Int[Tensor, " n"], size: int) -> Iterator[Int[Tensor, " batch"]]:
    """The last batch may be smaller; one of a single example is left out, unless all are.

    Batch normalisation has no variance to divide by there.
    """
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        if len(chosen) > 1 or size == 1:
            yield chosen


def augmented(
    pixels: UInt8[Tensor, "n c h w"], steps: Sequence[Augmentation], generator: torch.Generator
) -> UInt8[Tensor, "n c h w"]:
    for step in steps:
        pixels = step(pixels, generator)
    return pixels
