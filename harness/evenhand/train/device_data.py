"""Images as bytes, or features, on the device that trains, and batches made of them there."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

from evenhand.data.augment.augmentations import Augmentation
from evenhand.data.images import Images

WARNINGS = threading.Lock()
"""Filters of warnings are the process's: trials that share one change them one at a time."""


@dataclass(frozen=True)
class Placed:
    """A split on a device. A row is label · n_groups + group: the cell of the counts.

    Features are images of one pixel in float32, with a channel a feature.
    """

    pixels: UInt8[Tensor, "n channels height width"] | Float[Tensor, "n features 1 1"]
    labels: Int[Tensor, " n"]
    groups: Int[Tensor, " n"]
    rows: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, images: Images, *, n_groups: int, device: torch.device) -> Placed:
        pixels = _borrowed(images.pixels).permute(0, 3, 1, 2)
        labels = torch.from_numpy(np.array(images.labels, dtype=np.int64))
        groups = torch.from_numpy(np.array(images.groups, dtype=np.int64))
        rows = labels * n_groups + groups
        return cls(*(tensor.to(device) for tensor in (pixels, labels, groups, rows)))


def _borrowed(array: Shaped[np.ndarray, "n h w c"]) -> Shaped[Tensor, "n h w c"]:
    """The array as a tensor, in the memory where it lies: on a CPU trials share test images.

    It may be read-only, mapped from a file or in Ray's object store. torch has no such tensors and
    warns; nothing here writes to one.
    """
    with WARNINGS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(np.ascontiguousarray(array))


@dataclass(frozen=True)
class Normalise:
    """(x / 255 − mean) / std, per channel; of features (x − mean) / std."""

    scale: Float[Tensor, "1 channels 1 1"]
    shift: Float[Tensor, "1 channels 1 1"]

    @classmethod
    def of(
        cls, train: Placed, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> Normalise:
        """With the given statistics, else those of the training images; in units of [0, 1]."""
        device = train.pixels.device
        own = _statistics(train.pixels) if mean is None or std is None else None
        centre = torch.tensor(own.mean if own and mean is None else mean, device=device)
        spread = torch.tensor(own.std if own and std is None else std, device=device)
        centre, spread = centre.float()[None, :, None, None], spread.float()[None, :, None, None]
        white = 255 if train.pixels.dtype == torch.uint8 else 1
        return cls(1 / (white * spread), -centre / spread)

    def __call__(self, pixels: Shaped[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return pixels.float() * self.scale + self.shift


class Statistics(NamedTuple):
    """Per channel, in units of [0, 1]."""

    mean: list[float]
    std: list[float]


def _statistics(pixels: Shaped[Tensor, "n c h w"]) -> Statistics:
    """Of bytes exact, from how often each occurs: millions of pixels never become floats.

    A channel that never changes is given a deviation that does not blow it up.
    """
    if pixels.dtype != torch.uint8:
        values = pixels.double().transpose(0, 1).flatten(1)
        deviation = values.std(1).nan_to_num(0).clamp_min(1e-3)
        return Statistics(values.mean(1).tolist(), deviation.tolist())
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean, std = [], []
    for channel in pixels.unbind(1):
        share = torch.bincount(channel.flatten(), minlength=256).cpu().double()
        n = float(share.sum())
        centre = float(levels @ share / n)
        spread = math.sqrt(float((levels - centre) ** 2 @ share) / max(n - 1, 1))
        mean.append(centre)
        std.append(max(spread, 1e-3))
    return Statistics(mean, std)


def order(
    n: int,
    weights: Float[np.ndarray, " n"] | None,
    generator: torch.Generator,
    *,
    kept: Int[np.ndarray, " kept"] | None = None,
) -> Int[Tensor, " chosen"]:
    """The examples of one epoch: all of them shuffled, or n draws with replacement by weight.

    kept: these alone, shuffled.
    """
    if kept is not None:
        return torch.from_numpy(kept)[torch.randperm(len(kept), generator=generator)]
    if weights is None:
        return torch.randperm(n, generator=generator)
    return torch.multinomial(torch.from_numpy(weights), n, replacement=True, generator=generator)


def batches(
    order: Int[Tensor, " n"], size: int, *, drop_last: bool = False
) -> Iterator[Int[Tensor, " batch"]]:
    """The last batch may be smaller; one of a single example is left out, unless all are.

    Batch normalisation has no variance to divide by there. drop_last: any smaller one is left out,
    unless it is the only one.
    """
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        least = size if drop_last and start else min(size, 2)
        if len(chosen) >= least:
            yield chosen


def augmented(
    pixels: Shaped[Tensor, "n c h w"], steps: Sequence[Augmentation], generator: torch.Generator
) -> Shaped[Tensor, "n c h w"]:
    for step in steps:
        pixels = step(pixels, generator)
    return pixels
