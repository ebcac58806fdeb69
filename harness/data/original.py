"""A data set as its makers hand it out, and whether what was found is that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.data.images import Images, Source
from harness.errors import DataError


@dataclass(frozen=True)
class Original:
    """What is known beforehand of a data set that has to be prepared: as many images in each class.

    shape          height, width and channels of an image
    train, test    images of each class
    official       its class in `torchvision.datasets`, which knows where it is and its checksums
    label_columns  of a Parquet file, the first that is there
    also           what mirrors call a class, by that name
    test_digest    `digest` of the test images, and of test images with labels; "" where not known
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train: int
    test: int
    official: str | None = None
    label_columns: tuple[str, ...] = ("label",)
    also: Mapping[str, str] = field(default_factory=dict)
    test_digest: tuple[str, str] = ("", "")

    @property
    def facts(self) -> dict[str, Any]:
        """For `@dataset(**…)`."""
        shown = {"n_classes": len(self.classes), "shape": self.shape, "per_class": self.train}
        return {**shown, "original": self}

    def has_official_test(self, source: Source) -> bool | None:
        """Whether the test images are the official ones, bit for bit; None where nobody knows."""
        return digest(source.test) == self.test_digest[0] if self.test_digest[0] else None


def digest(images: Images, *, labelled: bool = False) -> str:
    """32 hexadecimal digits of a set of images, whatever their order."""
    total = 0
    for pixels, label in zip(images.pixels, images.labels, strict=True):
        head = b"%d|" % label if labelled else b""
        of_one = hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).digest()
        total += int.from_bytes(of_one[:16], "big")
    return f"{total % 2**128:032x}"


def verify(original: Original, source: Source, place: str) -> None:
    """Raises `DataError` for what cannot be this data set. The training split may lack images.

    A test split must be whole: scores on a part of it are not comparable with anybody's.
    """
    for name, images in (("train", source.train), ("test", source.test)):
        if images.pixels.shape[1:] != original.shape or images.pixels.dtype != np.uint8:
            found = " × ".join(map(str, images.pixels.shape[1:]))
            right = " × ".join(map(str, original.shape))
            raise DataError(f"{place}: {name} images are {found}; those of {original.name} {right}")
        outside = images.labels[(images.labels < 0) | (images.labels >= len(original.classes))]
        if len(outside):
            raise DataError(
                f"{place}: {name} has the label {outside[0]}\n"
                f"  those of {original.name} are 0 to {len(original.classes) - 1}"
            )
    _verify_counts(original, source, place)
    labelled = digest(source.test, labelled=True)
    if original.has_official_test(source) and labelled != original.test_digest[1]:
        raise DataError(
            f"{place}: mislabelled: these are the test images of {original.name}, "
            f"but not with their labels\n  classes are in this order: {', '.join(original.classes)}"
        )


def _verify_counts(original: Original, source: Source, place: str) -> None:
    train, test = (
        np.bincount(images.labels, minlength=len(original.classes)).tolist()
        for images in (source.train, source.test)
    )
    wrong = [
        f"{name} has {n} training images; it should have 1 to {original.train}"
        for name, n in zip(original.classes, train, strict=True)
        if not 1 <= n <= original.train
    ]
    wrong += [
        f"{name} has {n} of {original.test} test images"
        for name, n in zip(original.classes, test, strict=True)
        if n != original.test
    ]
    if wrong:
        told = [*wrong[:5], *([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])]
        told.append("all test images must be there; copy or download them again")
        raise DataError("\n  ".join([f"{place}: not {original.name}, or not all of it", *told]))
