"""A data set as its makers hand it out, and whether what was found is that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.images import Images, Source
from harness.errors import DataError


@dataclass(frozen=True)
class Archive:
    """The file in which the makers of a data set hand it out.

    folder  what it unpacks to
    holds   whether a folder is that
    read    the images in that folder; raises `DataError`
    """

    url: str
    md5: str
    folder: str
    holds: Callable[[Path], bool]
    read: Callable[[Original, Path], Source]

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Original:
    """What is known beforehand of a data set that has to be prepared: as many images in each class.

    classes        in the official order; () where only the files say what they are called
    shape          height, width and channels of an image
    train, test    images of each class
    unnamed        how many classes there are, where only the files say what they are called
    official       its archive, or its class in `torchvision.datasets`, which knows that
    label_columns  of a Parquet file, the first that is there
    test_names     what mirrors call the test split, the first that is there
    also           what mirrors call a class, by that name
    test_digest    `digest` of the test images, and of test images with labels; "" where not known
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train: int
    test: int
    unnamed: int = 0
    official: str | Archive | None = None
    label_columns: tuple[str, ...] = ("label",)
    test_names: tuple[str, ...] = ("test",)
    also: Mapping[str, str] = field(default_factory=dict)
    test_digest: tuple[str, str] = ("", "")

    @property
    def n_classes(self) -> int:
        return len(self.classes) or self.unnamed

    @property
    def facts(self) -> dict[str, Any]:
        """For `@dataset(**…)`."""
        shown = {"n_classes": self.n_classes, "shape": self.shape, "per_class": self.train}
        named = {"classes": self.classes} if self.classes else {}
        return {**shown, **named, "original": self}

    def naming(self, names: Collection[str], place: Path) -> Original:
        """The same with its classes by their names, in the order of these where files say them.

        Raises `DataError` where there are not as many as there should be.
        """
        if self.classes:
            return self
        if len(set(names)) != self.unnamed:
            raise DataError(
                f"{place}: names {len(set(names))} classes; {self.name} has {self.unnamed}\n"
                "  copy or download it again"
            )
        return replace(self, classes=tuple(sorted(set(names))))

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
        outside = images.labels[(images.labels < 0) | (images.labels >= original.n_classes)]
        if len(outside):
            raise DataError(
                f"{place}: {name} has the label {outside[0]}\n"
                f"  those of {original.name} are 0 to {original.n_classes - 1}"
            )
    _verify_counts(original, source, place)
    labelled = digest(source.test, labelled=True)
    if original.has_official_test(source) and labelled != original.test_digest[1]:
        raise DataError(
            f"{place}: mislabelled: these are the test images of {original.name}, "
            f"but not with their labels\n  classes are in this order: {', '.join(source.classes)}"
        )


def _verify_counts(original: Original, source: Source, place: str) -> None:
    train, test = (
        np.bincount(images.labels, minlength=original.n_classes).tolist()
        for images in (source.train, source.test)
    )
    wrong = [
        f"{name} has {n} training images; it should have 1 to {original.train}"
        for name, n in zip(source.classes, train, strict=True)
        if not 1 <= n <= original.train
    ]
    wrong += [
        f"{name} has {n} of {original.test} test images"
        for name, n in zip(source.classes, test, strict=True)
        if n != original.test
    ]
    if wrong:
        told = [*wrong[:5], *([f"and {len(wrong) - 5} more"] if len(wrong) > 5 else [])]
        told.append("all test images must be there; copy or download them again")
        raise DataError("\n  ".join([f"{place}: not {original.name}, or not all of it", *told]))
