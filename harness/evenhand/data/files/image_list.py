"""Images that a table lists by path, each with label, group and split, decoded one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped, UInt8

from evenhand.data.files.columns import TOLD, Columns
from evenhand.data.images import Images, Source
from evenhand.errors import DataError


@dataclass(frozen=True)
class View:
    """How an image file of any size becomes an array of one size, in RGB.

    square    cut the middle out first, as wide as the shorter side
    resize    height and width after that, whatever they were in proportion
    crop      then cut the middle out, of this size; None: all of it stays
    """

    resize: int
    crop: int | None = None
    square: bool = False

    @property
    def shape(self) -> tuple[int, int, int]:
        side = self.crop or self.resize
        return side, side, 3

    def __call__(self, path: Path) -> UInt8[np.ndarray, "h w 3"]:
        """Raises `OSError`, `SyntaxError` or `ValueError`, as Pillow does, for what is torn."""
        from PIL import Image

        with Image.open(path) as image:
            pixels = image.convert("RGB")
        if self.square:
            pixels = pixels.crop(_middle(pixels.size, min(pixels.size)))
        pixels = pixels.resize((self.resize, self.resize), Image.Resampling.BILINEAR)
        if self.crop is not None:
            pixels = pixels.crop(_middle(pixels.size, self.crop))
        return np.asarray(pixels)


def _middle(size: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    """Corners of a square in the middle: left, upper, right, lower."""
    left, upper = (round((length - side) / 2) for length in size)
    return left, upper, left + side, upper + side


class Unread(NamedTuple):
    """A file of one row that is no image, and why."""

    row: int
    reason: str


@dataclass(frozen=True)
class Listed:
    """One split: image files with their labels and groups, and where each stands in the table."""

    table: Columns
    files: tuple[Path, ...]
    rows: Int[np.ndarray, " n"]
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    view: View

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one of them, decoded."""
        return self.view.shape

    def counts(self, n_classes: int, n_groups: int) -> Int[np.ndarray, "classes groups"]:
        """As those of images."""
        return Images.counts(self, n_classes, n_groups)  # type: ignore[arg-type]

    def decoded(self) -> Images:
        """All of them in memory. Raises `DataError` for those that are torn."""
        pixels = np.empty((len(self), *self.view.shape), dtype=np.uint8)
        self._fill(pixels)
        return Images(pixels, self.labels, self.groups)

    def save(self, path: Path) -> None:
        """As an `.npy` file, one image in memory at a time. Raises as `decoded` does."""
        shape = (len(self), *self.view.shape)
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        self._fill(pixels)
        pixels.flush()

    def _fill(self, pixels: Shaped[np.ndarray, "n h w c"]) -> None:
        torn = []
        for i, (row, path) in enumerate(zip(self.rows.tolist(), self.files, strict=True)):
            try:
                pixels[i] = self.view(path)
            except (OSError, SyntaxError, ValueError) as error:
                torn.append(Unread(row, f"{path}: {error}"))
        if torn:
            told = [reason for _, reason in torn[:TOLD]]
            rows = [row for row, _ in torn]
            right = "\n  ".join([*told, "copy them again"])
            raise DataError(self.table.told(rows, "name a file that is torn, or no image", right))


@dataclass(frozen=True)
class Listing:
    """A data set whose images are listed, as `Source` is one whose images are in memory.

    beside  other arrays to be kept with it, by the name of their file
    """

    train: Listed
    test: Listed
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    val: Listed | None = None
    beside: Mapping[str, np.ndarray] = field(default_factory=dict)
    per_class: None = None
    in_official_order: bool = True

    def decoded(self) -> Source:
        return Source(
            train=self.train.decoded(),
            test=self.test.decoded(),
            val=None if self.val is None else self.val.decoded(),
            classes=self.classes,
            groups=self.groups,
        )


class Rows(NamedTuple):
    """What a table says of its rows, in numbers; "" is no split.

    classes, groups  what the numbers stand for
    """

    labels: Int[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    splits: np.ndarray
    classes: tuple[str, ...]
    group_names: tuple[str, ...]


def listing(table: Columns, rows: Rows, names: np.ndarray, folder: Path, view: View) -> Listing:
    """The images that a table names, relative to a folder.

    Raises `DataError` for rows whose image is not there: how many, and which.
    """
    files = [folder / str(name) for name in names]
    there = _there(files)
    absent = np.array([path not in there for path in files])
    if absent.any():
        missing = [str(files[i]) for i in np.flatnonzero(absent)[:TOLD]]
        right = "\n  ".join([*missing, f"their paths are relative to {folder}: copy the images"])
        table.refuse(absent, "name an image that is not there", right)

    def split(name: str) -> Listed:
        index = np.flatnonzero(rows.splits == name)
        chosen = tuple(files[i] for i in index)
        return Listed(table, chosen, index, rows.labels[index], rows.groups[index], view)

    val = split("val")
    return Listing(
        train=split("train"),
        test=split("test"),
        val=val if len(val) else None,
        classes=rows.classes,
        groups=rows.group_names,
    )


def _there(files: list[Path]) -> set[Path]:
    """Those that exist, folder by folder: asking for each of 200,000 files is slow on a network."""
    found: set[Path] = set()
    for folder in {path.parent for path in files}:
        if folder.is_dir():
            found.update(path for path in folder.iterdir())
    return found
