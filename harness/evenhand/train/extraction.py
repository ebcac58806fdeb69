"""Features of images: what a network of timm says of them before its head."""

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
from evenhand.train.device_data import Normalise, Placed


@dataclass(frozen=True)
class Extractor:
    """A network in evaluation mode, and how it wants its images."""

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
        """A model of timm for the images of a source.

        weights are those in a file, else timm's own, from its cache or over the network. Without
        any they are drawn from seed 0. Raises `BackboneError` where the model cannot be made or
        cannot take the images, `DataError` for features of features.
        """
        side, _, channels = source.train.shape
        if source.train.pixels.dtype != np.uint8:
            raise DataError("these are features, not images: a table reads them as they are")
        options: dict[str, Any] = {"pretrained": pretrained or weights is not None}
        if weights is not None:
            if not weights.is_file():
                raise DataError(f"{weights}: there is no such file\n  it holds weights of {model}")
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
        """In the order of the images, some of them at a time on the device."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                index = np.arange(start, min(start + batch, len(images)))
                placed = Placed.of(images[index], n_groups=1, device=self.device)
                pixels = Normalise.of(placed, self.mean, self.std)(placed.pixels)
                found.append(self.network.features(pixels).float().cpu().numpy())
                told(len(index))
        return np.concatenate(found)


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """As they are where the images have as many channels; else their mean for each."""
    if len(values) == channels:
        return tuple(values)
    return (sum(values) / len(values),) * channels
