"""Labelled images in memory, and what a source of them provides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int, UInt8


@dataclass(frozen=True)
class Images:
    """Labelled images. A group is a minority attribute; 0 everywhere where there is none.

    Features are images of one pixel in float32, with a channel a feature: [n, 1, 1, features].
    """

    pixels: UInt8[np.ndarray, "n height width channels"] | Float32[np.ndarray, "n 1 1 features"]
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of one of them."""
        return self.pixels.shape[1:]

    def save(self, path: Path) -> None:
        """The pixels alone, as an `.npy` file."""
        with path.open("wb") as file:
            np.save(file, np.ascontiguousarray(self.pixels), allow_pickle=False)

    def __getitem__(self, index: Int[np.ndarray, " kept"]) -> Images:
        return Images(self.pixels[index], self.labels[index], self.groups[index])

    def counts(self, n_classes: int, n_groups: int) -> Int[np.ndarray, "classes groups"]:
        """How many images each (label, group) cell has."""
        cells = self.labels * n_groups + self.groups
        return np.bincount(cells, minlength=n_classes * n_groups).reshape(n_classes, n_groups)


@dataclass(frozen=True)
class Source:
    """A data set as it is distributed: its own splits, before any profile.

    train is a pool from which a problem keeps some; val is None where the data set has no
    validation split of its own.

    per_class          training images that each class has where the data set is whole; train may
                       hold fewer. None: what is in train is all there is
    in_official_order  whether training images have the places at which papers name them
    digest             of all of it, where its files may change under one name; else ""
    redraw             of data that a distribution makes: all of it anew, by the stream `subset`.
                       None: the data are what they are
    """

    train: Images
    test: Images
    classes: tuple[str, ...]
    groups: tuple[str, ...] = ("all",)
    val: Images | None = None
    per_class: int | None = None
    in_official_order: bool = True
    digest: str = ""
    redraw: Callable[[np.random.Generator], Source] | None = None

    @property
    def n_whole(self) -> int:
        """Training images of the whole data set."""
        whole = None if self.per_class is None else self.per_class * len(self.classes)
        return len(self.train) if whole is None else whole
