"""Images and features as tensors on the training device, and the batches drawn from them."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped, UInt8
from torch import Tensor

from evenhand.data.augment.augmentations import Augmentation
from evenhand.data.images import Images
from evenhand.declared.record import Split

WARNINGS = threading.Lock()
"""Lock held while warning filters change: trials in one process share them."""


@dataclass(frozen=True)
class DeviceSplit:
    """A split on a device."""

    pixels: UInt8[Tensor, "n channels height width"] | Float[Tensor, "n features 1 1"]
    """Images in bytes; features are images of one pixel in float32, one channel for each."""
    labels: Int[Tensor, " n"]
    groups: Int[Tensor, " n"]
    rows: Int[Tensor, " n"]
    """Cell of each example in the counts: label · n_groups + group."""

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, n: int) -> DeviceSplit:
        """The first n examples, in the same memory."""
        return DeviceSplit(self.pixels[:n], self.labels[:n], self.groups[:n], self.rows[:n])

    @classmethod
    def of(cls, images: Images, *, n_groups: int, device: torch.device) -> DeviceSplit:
        """Move images to a device."""
        pixels = _without_copy(images.pixels).permute(0, 3, 1, 2)
        labels = torch.from_numpy(np.array(images.labels, dtype=np.int64))
        groups = torch.from_numpy(np.array(images.groups, dtype=np.int64))
        rows = labels * n_groups + groups
        return cls(*(tensor.to(device) for tensor in (pixels, labels, groups, rows)))


def _without_copy(array: Shaped[np.ndarray, "n h w c"]) -> Shaped[Tensor, "n h w c"]:
    """The array as a tensor in the same memory, so that trials on a CPU share test images.

    The array may be read-only: mapped from a file, or in Ray's object store. torch has no read-only
    tensors and warns; nothing here writes to one.
    """
    with WARNINGS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(np.ascontiguousarray(array))


@dataclass(frozen=True)
class Normalise:
    """(x / 255 − mean) / std for each channel; (x − mean) / std for features."""

    scale: Float[Tensor, "1 channels 1 1"]
    shift: Float[Tensor, "1 channels 1 1"]

    @classmethod
    def of(
        cls, train: DeviceSplit, mean: Sequence[float] | None, std: Sequence[float] | None
    ) -> Normalise:
        """Normalise by the given statistics, in units of [0, 1], or by the training split's."""
        device = train.pixels.device
        own = _statistics(train.pixels) if mean is None or std is None else None
        centre = torch.tensor(own.mean if own and mean is None else mean, device=device)
        spread = torch.tensor(own.std if own and std is None else std, device=device)
        centre, spread = centre.float()[None, :, None, None], spread.float()[None, :, None, None]
        white = 255 if train.pixels.dtype == torch.uint8 else 1
        return cls(1 / (white * spread), -centre / spread)

    def __call__(self, pixels: Shaped[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return pixels.float() * self.scale + self.shift


@dataclass(frozen=True)
class RunData:
    """Images of the runs with one value of `Stage.train_on`, on the device."""

    train: DeviceSplit
    """Images that are trained on."""
    splits: dict[Split, DeviceSplit]
    """Splits that are evaluated, validation first; no validation where it is trained on."""
    normalise: Normalise
    """Normalisation by the recipe, or by the images that are trained on."""

    def without_validation(self) -> RunData:
        """The same images without a validation split."""
        splits: dict[Split, DeviceSplit] = {k: v for k, v in self.splits.items() if k != "val"}
        return replace(self, splits=splits)


class Statistics(NamedTuple):
    """Mean and standard deviation of each channel, in units of [0, 1]."""

    mean: list[float]
    std: list[float]


def _statistics(pixels: Shaped[Tensor, "n c h w"]) -> Statistics:
    """Statistics of each channel, whose standard deviation is at least 0.001.

    They are computed in float64. Those of bytes come from the histogram of values, so that millions
    of pixels need not be converted to floats. The bound keeps a constant channel from being blown
    up.
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


def draw_order(
    n: int,
    weights: Float[np.ndarray, " n"] | None,
    generator: torch.Generator,
    *,
    kept: Int[np.ndarray, " kept"] | None = None,
) -> Int[Tensor, " chosen"]:
    """Draw the examples of an epoch: all of them shuffled, or n with replacement by weight.

    kept: these examples, shuffled; an example may occur several times.
    """
    if kept is not None:
        return torch.from_numpy(kept)[torch.randperm(len(kept), generator=generator)]
    if weights is None:
        return torch.randperm(n, generator=generator)
    return torch.multinomial(torch.from_numpy(weights), n, replacement=True, generator=generator)


def batches(
    order: Int[Tensor, " n"], size: int, *, drop_last: bool = False
) -> Iterator[Int[Tensor, " batch"]]:
    """Split an epoch's examples into batches, of which the last may be smaller.

    A last batch of a single example is left out, because batch normalisation has no variance to
    divide by; it stays where batches have size 1. drop_last: any smaller batch is left out, unless
    it is the only one.
    """
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        least = size if drop_last and start else min(size, 2)
        if len(chosen) >= least:
            yield chosen


def augment_batch(
    pixels: Shaped[Tensor, "n c h w"], steps: Sequence[Augmentation], generator: torch.Generator
) -> Shaped[Tensor, "n c h w"]:
    """Apply augmentations to a batch, one after the other."""
    for step in steps:
        pixels = step(pixels, generator)
    return pixels
