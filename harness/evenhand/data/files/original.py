"""A data set as its makers hand it out, and whether what was found is that."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from evenhand.data.cells import check_cells
from evenhand.data.files.image_list import Listed, Listing
from evenhand.data.images import Images, Source
from evenhand.errors import DataError


@dataclass(frozen=True)
class Archive:
    """The file in which the makers of a data set hand it out.

    md5     None where the makers give none: whoever wants it downloads it by hand, from url
    folder  what it unpacks to
    holds   whether a folder is that
    read    the images in that folder; raises `DataError`
    layout  how the folder looks, in words, where its name says too little
    """

    url: str
    md5: str | None
    folder: str
    holds: Callable[[Path], bool]
    read: Callable[[Original, Path], Source | Listing]
    layout: str = ""

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Original:
    """What is known beforehand of a data set that has to be prepared.

    classes        in the official order; () where only the files say what they are called
    shape          height, width and channels of an image; 1, 1 and features where that is what
                   it holds, in float32
    train, test    images of each class; None where classes differ in that
    groups         by their names, in order
    published      [classes, groups] images of each split, where the makers say
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
    train: int | None = None
    test: int | None = None
    groups: tuple[str, ...] = ("all",)
    published: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
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
        shown: dict[str, Any] = {"n_classes": self.n_classes, "shape": self.shape}
        shown |= {} if self.train is None else {"per_class": self.train}
        shown |= {"n_groups": len(self.groups)} if len(self.groups) > 1 else {}
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


def counted(source: Source | Listing) -> dict[str, Int[np.ndarray, "classes groups"]]:
    """Images of each cell by split, train first; without val where there is none."""
    splits = {"train": source.train, "val": source.val, "test": source.test}
    shape = len(source.classes), len(source.groups)
    return {name: images.counts(*shape) for name, images in splits.items() if images is not None}


def verify(original: Original, source: Source | Listing, place: str) -> None:
    """Raises `DataError` for what cannot be this data set. The training split may lack images.

    A test split must be whole: scores on a part of it are not comparable with anybody's.
    """
    for name, images in (("train", source.train), ("val", source.val), ("test", source.test)):
        if images is None:
            continue
        _verify_shape(original, images, f"{place}: {name}")
        _verify_range(original, images.labels, original.n_classes, f"{place}: {name} has the label")
        _verify_range(
            original, images.groups, len(original.groups), f"{place}: {name} has the group"
        )
    _verify_counts(original, source, place)
    if isinstance(source, Listing):
        return
    labelled = digest(source.test, labelled=True)
    if original.has_official_test(source) and labelled != original.test_digest[1]:
        raise DataError(
            f"{place}: mislabelled: these are the test images of {original.name}, "
            f"but not with their labels\n  classes are in this order: {', '.join(source.classes)}"
        )


def _verify_shape(original: Original, images: Images | Listed, place: str) -> None:
    kind = np.float32 if original.shape[:2] == (1, 1) else np.uint8
    is_kind = isinstance(images, Listed) or images.pixels.dtype == kind
    if images.shape != original.shape or not is_kind:
        found, right = (" × ".join(map(str, s)) for s in (images.shape, original.shape))
        raise DataError(f"{place} images are {found}; those of {original.name} {right}")


def _verify_range(original: Original, values: Int[np.ndarray, " n"], n: int, place: str) -> None:
    outside = values[(values < 0) | (values >= n)]
    if len(outside):
        raise DataError(f"{place} {outside[0]}\n  those of {original.name} are 0 to {n - 1}")


def _verify_counts(original: Original, source: Source | Listing, place: str) -> None:
    if original.train is None or original.test is None:
        check_cells(place, counted(source), source.classes, source.groups)
        return
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
