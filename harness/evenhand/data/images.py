"""Labelled images in memory, and data sets as sources of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int, Int64, UInt8

from evenhand.declared.record import DataReading
from evenhand.declared.split_counts import DataCounts


@dataclass(frozen=True)
class Images:
    """Images, or features, with labels and groups.

    >>> import numpy as np
    >>> labels = np.array([0, 1])
    >>> images = Images(np.zeros((2, 8, 8, 1), np.uint8), labels, groups=np.zeros_like(labels))
    >>> len(images), images.shape
    (2, (8, 8, 1))
    """

    pixels: UInt8[np.ndarray, "n height width channels"] | Float32[np.ndarray, "n 1 1 features"]
    """Images in bytes. Features are images of one pixel in float32, one channel for each."""
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    """Value of the group attribute; 0 for all images of a data set without groups."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of an image."""
        return self.pixels.shape[1:]

    @cached_property
    def contents(self) -> Int64[np.ndarray, " n"]:
        """Hash of the content of each image, equal where all bytes are equal.

        Of n images two different ones share a hash with a probability of about n² / 2⁶⁵.
        """
        rows = (np.ascontiguousarray(image).data for image in self.pixels)
        found = b"".join(hashlib.sha256(row).digest()[:8] for row in rows)
        return np.frombuffer(found, dtype=np.int64)

    def save(self, path: Path) -> None:
        """Write the pixels, without labels and groups, to an `.npy` file."""
        with path.open("wb") as file:
            np.save(file, np.ascontiguousarray(self.pixels), allow_pickle=False)

    def __getitem__(self, index: Int[np.ndarray, " kept"]) -> Images:
        kept = Images(self.pixels[index], self.labels[index], self.groups[index])
        # The hashes of a data set are made once, and not again for each draw of its images.
        kept.__dict__["contents"] = self.contents[index]
        return kept

    def joined(self, more: Images) -> Images:
        """These images, and then more of the same shape."""
        parts = [self, more]
        return Images(
            np.concatenate([part.pixels for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.groups for part in parts]),
        )

    def counts(self, n_classes: int, n_groups: int) -> Int[np.ndarray, "classes groups"]:
        """Number of images in each (label, group) cell."""
        cells = self.labels * n_groups + self.groups
        return np.bincount(cells, minlength=n_classes * n_groups).reshape(n_classes, n_groups)


@runtime_checkable
class Encoder(Protocol):
    """Encoding of columns as inputs of a network, such as one-hot columns of categories."""

    def fitted(self, train: Images) -> Callable[[Images], Images]:
        """The encoding with what it takes from the training split, such as means."""
        ...


class PreparedFiles(NamedTuple):
    """Files of a prepared data set, and what is equal in every copy of them."""

    name: str
    folder: Path
    fingerprint: str
    n_bytes: int


@dataclass(frozen=True)
class Source:
    """A data set with its own splits, before any imbalance profile.

    >>> import numpy as np
    >>> labels = np.array([0, 1])
    >>> images = Images(np.zeros((2, 8, 8, 1), np.uint8), labels, groups=np.zeros_like(labels))
    >>> Source(train=images, test=images, classes=("dark", "bright")).classes
    ('dark', 'bright')
    """

    train: Images
    """Images from which a problem's training set is drawn."""
    test: Images
    classes: tuple[str, ...]
    groups: tuple[str, ...] = ("all",)
    val: Images | None = None
    """The data set's own validation split; None where it has none."""
    per_class: int | None = None
    """Training images of each class in the complete data set, of which `train` may be a part.

    None: `train` is complete.
    """
    in_official_order: bool = True
    """Whether training images have the order of the official files, by which papers name them."""
    digest: str = ""
    """Fingerprint of the content, for files that may change under one name."""
    redraw: Callable[[np.random.Generator], Source] | None = None
    """Draws the whole data set again with the stream `subset`, for simulated data."""
    of_seed: Callable[[int], Source] | None = None
    """Splits the data set again, so that the seed chooses the test fold of a cross-validation."""
    folds: int | None = None
    """Number of folds of a cross-validation; None for other splits."""
    encoder: Encoder | None = None
    """Encoding of the features, fitted on the training split; None for features as they are."""
    reading: DataReading | None = None
    """Reading of a user's own files."""
    files: PreparedFiles | None = None
    """Prepared files from which its images are mapped; None where they are made from something
    else, or where other files may have part in it."""

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Height, width and channels of a network's input.

        Of encoded features, the number that the whole training split gives.
        """
        if self.encoder is None:
            return self.train.shape
        return self.encoder.fitted(self.train)(self.train[np.arange(1)]).shape

    @property
    def n_whole(self) -> int:
        """Number of training images of the complete data set."""
        whole = None if self.per_class is None else self.per_class * len(self.classes)
        return len(self.train) if whole is None else whole

    def counts(self) -> DataCounts:
        """Number of images in each cell of each split."""
        shape = len(self.classes), len(self.groups)
        return DataCounts(
            train=self.train.counts(*shape),
            test=self.test.counts(*shape),
            val=None if self.val is None else self.val.counts(*shape),
            classes=self.classes,
            groups=self.groups,
            per_class=self.per_class,
        )


def fingerprint(splits: list[Images | None], kept: list[Int[np.ndarray, " _"]]) -> str:
    """Fingerprint of splits and of the places that their images have in the data set."""
    digest = hashlib.sha256()
    for index in kept:
        digest.update(np.ascontiguousarray(index, dtype="<i8").tobytes() + b"|")
    for images in splits:
        if images is None:
            continue
        digest.update(repr(images.pixels.shape).encode())
        digest.update(np.ascontiguousarray(images.labels, dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(images.groups, dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(images.pixels).data)
    return digest.hexdigest()[:32]
