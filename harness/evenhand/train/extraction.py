"""Extraction of image features with a network of timm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from timm.models import get_pretrained_cfg

from evenhand.backbones.names import Backbone
from evenhand.backbones.networks.build import Network, build
from evenhand.data.images import Images, Source
from evenhand.errors import DataError
from evenhand.train.device_data import DeviceSplit, Normalise


@dataclass(frozen=True)
class Extractor:
    """A network in evaluation mode, with the statistics that normalise its images."""

    network: Network
    mean: tuple[float, ...]
    std: tuple[float, ...]
    device: torch.device

    @classmethod
    def of(
        cls,
        model: str,
        source: Source,
        *,
        weights: Path | None = None,
        pretrained: bool = True,
        device: torch.device,
    ) -> Extractor:
        """Make an extractor from a model of timm, for the images of a source.

        weights are those in a file; None: timm's own, from its cache or over the network. With
        `pretrained` False and no file they are random, drawn with seed 0. Raises `BackboneError`
        where the model cannot be made or cannot take the images, and `DataError` where the source
        holds features.
        """
        side, _, channels = source.train.shape
        if source.train.pixels.dtype != np.uint8:
            raise DataError(
                "features are extracted from images, and this data set holds features\n"
                "  the data set `table` reads them as they are"
            )
        options: dict[str, Any] = {"pretrained": pretrained or weights is not None}
        if weights is not None:
            if not weights.is_file():
                raise DataError(f"{weights}: there is no such file\n  name a file of weights")
            options["pretrained_cfg_overlay"] = {"file": str(weights)}
        torch.manual_seed(0)
        network = build(
            Backbone(model, options),
            n_classes=2,
            head="linear",
            in_channels=channels,
            image_size=side,
        )
        config = get_pretrained_cfg(model)
        assert config is not None, "the network was built"
        mean, std = (_per_channel(values, channels) for values in (config.mean, config.std))
        return cls(network.eval().to(device), mean, std, device)

    def features(
        self, images: Images, *, batch: int, told: Callable[[int], None] = lambda _: None
    ) -> Float32[np.ndarray, "n features"]:
        """Features of images, in order, `batch` images at a time on the device.

        `told` is called with the number of images after each batch.
        """
        found = []
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                index = np.arange(start, min(start + batch, len(images)))
                placed = DeviceSplit.of(images[index], n_groups=1, device=self.device)
                pixels = Normalise.of(placed, self.mean, self.std)(placed.pixels)
                found.append(self.network.features(pixels).float().cpu().numpy())
                told(len(index))
        return np.concatenate(found)


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """One value for each channel: the values themselves, or their mean where numbers differ."""
    if len(values) == channels:
        return tuple(values)
    return (sum(values) / len(values),) * channels
