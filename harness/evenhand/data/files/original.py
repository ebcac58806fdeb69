"""Description of a data set as its authors distribute it, and verification of files against it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from evenhand.data.files.image_list import ListedImages, ListedSource
from evenhand.data.images import Images, Source
from evenhand.declared.cells import check_cells
from evenhand.errors import DataError


@dataclass(frozen=True)
class Archive:
    """The file in which the authors distribute a data set."""

    url: str
    md5: str | None
    """None where the authors give none: the user then downloads the file from `url`."""
    folder: str
    """Name of the folder that it unpacks to."""
    holds: Callable[[Path], bool]
    """Whether a folder is the unpacked one."""
    read: Callable[[Original, Path], Source | ListedSource]
    """Reads the images in that folder; raises `DataError`."""
    layout: str = ""
    """Description of the folder, where its name is not enough."""

    @property
    def filename(self) -> str:
        """Name of the file."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class Original:
    """Known facts of a data set that has to be prepared."""

    name: str
    classes: tuple[str, ...]
    """Names in the official order; () where only the files have them."""
    shape: tuple[int, int, int]
    """Height, width and channels of an image; 1, 1 and the number of features, in float32."""
    train: int | None = None
    """Training images of each class; None where the classes differ."""
    test: int | None = None
    """Test images of each class; None where the classes differ."""
    groups: tuple[str, ...] = ("all",)
    published: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    """Published numbers of images [classes, groups] of each split."""
    unnamed: int = 0
    """Number of classes, where only the files have their names."""
    official: str | Archive | None = None
    """The archive, or the name of a class in `torchvision.datasets`, which has its address."""
    label_columns: tuple[str, ...] = ("label",)
    """Names of the label column in Parquet files; the first that exists is used."""
    test_names: tuple[str, ...] = ("test",)
    """Names of the test split in mirrors; the first that exists is used."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Official class names by the names that mirrors use."""
    test_digest: tuple[str, str] = ("", "")
    """`digest` of the test images, and of the test images with labels; "" where unknown."""

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.classes) or self.unnamed

    @property
    def facts(self) -> dict[str, Any]:
        """Facts for the registry: `@dataset(**original.facts)`."""
        shown: dict[str, Any] = {"n_classes": self.n_classes, "shape": self.shape}
        shown |= {} if self.train is None else {"per_class": self.train}
        shown |= {"counts": self._counts} if self._counts else {}
        has_groups = len(self.groups) > 1
        shown |= {"n_groups": len(self.groups), "groups": self.groups} if has_groups else {}
        named = {"classes": self.classes} if self.classes else {}
        return {**shown, **named, "original": self}

    @property
    def _counts(self) -> dict[str, Any]:
        """Examples [classes, groups] of each split, as far as they are known without files."""
        sizes = {"train": self.train, "test": self.test}
        each = {split: n for split, n in sizes.items() if n is not None}
        return dict(self.published) or {s: ((n,),) * self.n_classes for s, n in each.items()}

    def with_classes(self, names: Collection[str], place: Path) -> Original:
        """The same with class names from the files, sorted; official names are kept.

        Raises `DataError` where the number of names is wrong.
        """
        if self.classes:
            return self
        if len(set(names)) != self.unnamed:
            raise DataError(
                f"{place}: {self.name} has {self.unnamed} classes, and this names "
                f"{len(set(names))}\n"
                "  copy or download it again"
            )
        return replace(self, classes=tuple(sorted(set(names))))

    def has_official_test(self, source: Source) -> bool | None:
        """Whether the test images are the official ones, bit for bit; None where it is unknown."""
        return digest(source.test) == self.test_digest[0] if self.test_digest[0] else None


def digest(images: Images, *, labelled: bool = False) -> str:
    """Digest of a set of images in 32 hexadecimal digits, independent of their order."""
    total = 0
    for pixels, label in zip(images.pixels, images.labels, strict=True):
        head = b"%d|" % label if labelled else b""
        of_one = hashlib.sha256(head + np.ascontiguousarray(pixels).tobytes()).digest()
        total += int.from_bytes(of_one[:16], "big")
    return f"{total % 2**128:032x}"


def counted(source: Source | ListedSource) -> dict[str, Int[np.ndarray, "classes groups"]]:
    """Number of images in each cell by split, train first; without val where there is none."""
    splits = {"train": source.train, "val": source.val, "test": source.test}
    shape = len(source.classes), len(source.groups)
    return {name: images.counts(*shape) for name, images in splits.items() if images is not None}


def verify(original: Original, source: Source | ListedSource, place: str) -> None:
    """Raise `DataError` for images that cannot be this data set.

    The training split may lack images. The test split must be whole, because scores on a part of it
    cannot be compared with published ones.
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
    if isinstance(source, ListedSource):
        return
    labelled = digest(source.test, labelled=True)
    if original.has_official_test(source) and labelled != original.test_digest[1]:
        raise DataError(
            f"{place}: mislabelled: these are the test images of {original.name} with other "
            f"labels\n  number the classes in this order: {', '.join(source.classes)}"
        )


def _verify_shape(original: Original, images: Images | ListedImages, place: str) -> None:
    kind = np.float32 if original.shape[:2] == (1, 1) else np.uint8
    is_kind = isinstance(images, ListedImages) or images.pixels.dtype == kind
    if images.shape != original.shape or not is_kind:
        found, right = (" × ".join(map(str, s)) for s in (images.shape, original.shape))
        raise DataError(
            f"{place} images are {found}; those of {original.name} are {right}\n"
            "  take the official files"
        )


def _verify_range(original: Original, values: Int[np.ndarray, " n"], n: int, place: str) -> None:
    outside = values[(values < 0) | (values >= n)]
    if len(outside):
        raise DataError(
            f"{place} {outside[0]}; those of {original.name} are 0 to {n - 1}\n"
            "  copy or download it again"
        )


def _verify_counts(original: Original, source: Source | ListedSource, place: str) -> None:
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
        told.append("all test images are needed: copy or download them again")
        raise DataError("\n  ".join([f"{place}: not {original.name}, or not all of it", *told]))
