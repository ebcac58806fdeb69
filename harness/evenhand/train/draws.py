"""Initial weights and generators of random numbers, drawn from the seed of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from evenhand.backbones.networks.build import Network, build
from evenhand.data.files.fetching import weights_root
from evenhand.data.splits import ProblemData
from evenhand.declared.method import Head
from evenhand.declared.streams import generator, stream_seed
from evenhand.declared.trial import Stream, Trial
from evenhand.train.process import GLOBAL_GENERATOR


@dataclass(frozen=True)
class Draws:
    """Draws from the seed of a trial, each the same at every call."""

    trial: Trial
    data: ProblemData
    head: Head

    def network(self) -> Network:
        """The network with its initial weights.

        Raises `BackboneError` where it cannot take the images.
        """
        return self._network(self._seed("init"))

    def new_head(self) -> Mapping[str, Tensor]:
        """Weights of a new last layer.

        They differ from the initial ones, because the trained body has adapted to those.
        """
        drawn = generator("init", self.trial.seed, self.trial.vary).integers(2**31)
        return self._network(int(drawn)).head.state_dict()

    def of_torch(self, stream: Stream, device: torch.device | str = "cpu") -> torch.Generator:
        """Generator of torch at the start of a stream."""
        return torch.Generator(device).manual_seed(self._seed(stream))

    def of_numpy(self) -> np.random.Generator:
        """Generator of NumPy at the start of the stream `order`."""
        return generator("order", self.trial.seed, self.trial.vary)

    def _seed(self, stream: Stream) -> int:
        return stream_seed(stream, self.trial.seed, self.trial.vary)

    def _network(self, seed: int) -> Network:
        _, side, _, channels = self.data.train.pixels.shape
        with GLOBAL_GENERATOR:
            # Layers draw from torch's global generator when they are made, and drop-out in
            # training.
            torch.manual_seed(seed)
            model = build(
                self.trial.recipe.backbone,
                n_classes=len(self.data.summary.classes),
                head=self.head,
                in_channels=channels,
                image_size=side,
                root_of=weights_root,
            )
        return model.to(memory_format=torch.channels_last)
