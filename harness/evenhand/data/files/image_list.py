"""Images that a table lists by path, with label, group and split; decoded when they are needed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Int, Shaped, UInt8

from evenhand.data.files.batch_decoding import decode_all
from evenhand.data.files.columns import MAX_LISTED, Columns
from evenhand.data.files.decoding import Decoder
from evenhand.data.files.image_file import ImageFile
from evenhand.data.images import Images, Source
from evenhand.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture


@dataclass(frozen=True)
class ImageTransform:
    """Transform of an RGB picture of any size to an array of one size."""

    resize: int
    """Height and width that the image is resized to; its proportions are not kept."""
    crop: int | None = None
    """Side of a centre crop after resizing; None: no crop."""
    square: bool = False
    """Whether the largest centred square is cropped before resizing."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the result."""
        side = self.crop or self.resize
        return side, side, 3

    def __call__(self, picture: Picture) -> UInt8[np.ndarray, "h w 3"]:
        """The array of a decoded picture."""
        from PIL import Image

        if self.square:
            picture = picture.crop(_middle(picture.size, min(picture.size)))
        picture = picture.resize((self.resize, self.resize), Image.Resampling.BILINEAR)
        if self.crop is not None:
            picture = picture.crop(_middle(picture.size, self.crop))
        return np.asarray(picture)


def _middle(size: tuple[int, int], side: int) -> tuple[int, int, int, int]:
    """Box of a centred square: left, upper, right, lower."""
    left, upper = (round((length - side) / 2) for length in size)
    return left, upper, left + side, upper + side


@dataclass(frozen=True)
class ListedImages:
    """A split of image files with their labels and groups."""

    table: Columns
    files: tuple[Path, ...]
    rows: Int[np.ndarray, " n"]
    """Row of each file in the table."""
    labels: Int[np.ndarray, " n"]
    groups: Int[np.ndarray, " n"]
    view: ImageTransform

    def __len__(self) -> int:
        return len(self.files)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a decoded image."""
        return self.view.shape

    def counts(self, n_classes: int, n_groups: int) -> Int[np.ndarray, "classes groups"]:
        """Number of images in each (label, group) cell."""
        return Images.counts(self, n_classes, n_groups)  # type: ignore[arg-type]

    def decoded(self) -> Images:
        """Decode all images into memory. Raises `DataError` for damaged files."""
        pixels = np.empty((len(self), *self.view.shape), dtype=np.uint8)
        self._fill(pixels)
        return Images(pixels, self.labels, self.groups)

    def save(self, path: Path) -> None:
        """Write the images to an `.npy` file as they are decoded. Raises as `decoded` does."""
        shape = (len(self), *self.view.shape)
        pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        self._fill(pixels)
        pixels.flush()

    def _fill(self, pixels: Shaped[np.ndarray, "n h w c"]) -> None:
        outcome = decode_all(self.files, Decoder(), self.view, pixels)
        reject_files(self.table, self.rows, self.files, outcome.refused)


@dataclass(frozen=True)
class ListedSource:
    """A data set whose images are files, where a `Source` has them in memory."""

    train: ListedImages
    test: ListedImages
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    val: ListedImages | None = None
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    per_class: None = None
    in_official_order: bool = True

    def decoded(self) -> Source:
        """Decode all images into memory. Raises `DataError` for damaged files."""
        return Source(
            train=self.train.decoded(),
            test=self.test.decoded(),
            val=None if self.val is None else self.val.decoded(),
            classes=self.classes,
            groups=self.groups,
        )


class Rows(NamedTuple):
    """Label, group and split of each row of a table."""

    labels: Int[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    splits: np.ndarray
    """Split of each row: "train", "val" or "test"; "" for a row in no split."""
    classes: tuple[str, ...]
    group_names: tuple[str, ...]


def list_images(
    table: Columns, rows: Rows, names: np.ndarray, folder: Path, view: ImageTransform
) -> ListedSource:
    """List the images that a table names by paths relative to a folder.

    Raises `DataError` for rows whose image does not exist, with their number.
    """
    files = [folder / str(name) for name in names]
    reject_absent(table, files, folder)

    def split(name: str) -> ListedImages:
        index = np.flatnonzero(rows.splits == name)
        chosen = tuple(files[i] for i in index)
        return ListedImages(table, chosen, index, rows.labels[index], rows.groups[index], view)

    val = split("val")
    return ListedSource(
        train=split("train"),
        test=split("test"),
        val=val if len(val) else None,
        classes=rows.classes,
        groups=rows.group_names,
    )


def reject_files(
    table: Columns,
    rows: Int[np.ndarray, " n"],
    files: Sequence[ImageFile],
    refused: Mapping[int, str],
) -> None:
    """Raise `DataError` where any file is refused, with its row and the reason."""
    if not refused:
        return
    in_order = sorted(refused, key=lambda i: int(rows[i]))
    told = [
        f"{file_name(table, int(rows[i]), files[i])}: {refused[i]}" for i in in_order[:MAX_LISTED]
    ]
    what = "cannot be read as images"
    raise DataError(table.describe_rows(rows[in_order], what, "\n  ".join(told)))


def file_name(table: Columns, row: int, file: ImageFile) -> str:
    """Name of an image in errors: its path, or the row that holds its bytes."""
    return table.row_numbers([row]) if isinstance(file, bytes) else str(file)


def reject_absent(table: Columns, files: Sequence[ImageFile], folder: Path) -> None:
    """Raise `DataError` for rows whose file does not exist.

    files    file of each row
    folder   folder that the paths are relative to
    """
    paths = [file for file in files if isinstance(file, Path)]
    there = _there(paths)
    absent = np.array([isinstance(file, Path) and file not in there for file in files])
    if absent.any():
        missing = [str(files[i]) for i in np.flatnonzero(absent)[:MAX_LISTED]]
        todo = f"paths are relative to {folder}: copy the images there"
        if any("\\" in name for name in missing):
            todo += "; and write them with / in place of \\"
        right = "\n  ".join([*missing, todo])
        table.reject_rows(absent, "name an image that is not there", right)


def _there(files: list[Path]) -> set[Path]:
    """Files that exist. Folders are listed, because single look-ups are slow on a network."""
    found: set[Path] = set()
    for folder in {path.parent for path in files}:
        # A folder that may not be listed has no files for this user.
        with contextlib.suppress(OSError):
            found.update(folder.iterdir())
    return found
