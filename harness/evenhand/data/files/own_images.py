"""Images of a user's own that a column of a table names or holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Int
from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from evenhand.data.files.batch_decoding import Outcome, decode_all, measure_all
from evenhand.data.files.columns import Columns
from evenhand.data.files.decoding import Decoder
from evenhand.data.files.image_file import ImageFile, Size
from evenhand.data.files.image_list import (
    ImageTransform,
    file_name,
    reject_absent,
    reject_files,
)
from evenhand.data.files.own_source import Examples
from evenhand.errors import DataError

COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0)}


def _or_say(right: str, accept: Callable[[Any], bool] = lambda _: True) -> WrapValidator:
    """Validation of a union, with one correction for all of its members."""

    def check(value: Any, inner: ValidatorFunctionWrapHandler) -> Any:
        try:
            # A suite has lists, which strict validation would not take for tuples.
            found = inner(tuple(value) if isinstance(value, list) else value)
        except ValidationError:
            raise ValueError(right) from None
        if not accept(found):
            raise ValueError(right)
        return found

    return WrapValidator(check)


Byte = Annotated[int, Field(ge=0, le=255)]
Side = Annotated[int, Field(ge=1)]
Background = Annotated[
    Literal["white", "black"] | tuple[Byte, Byte, Byte],
    _or_say("write white, black, or [red, green, blue] from 0 to 255"),
]
Intensity = Annotated[
    Literal["file"] | tuple[float, float],
    _or_say(
        "write [low, high], the values of black and white with the lower one first, or file for "
        "the least and the largest value of each file",
        lambda found: found == "file" or found[0] < found[1],
    ),
]


@dataclass(frozen=True)
class ImageRule:
    """Settings of the decoding of images."""

    size: int | None = None
    """Height and width that the images are resized to; None: the one size that all of them have."""
    background: Background | None = None
    """Colour behind transparent pixels; None: white."""
    intensity: Intensity | None = None
    """Values of black and white in grey images of more than 8 bits; None: the mode's range."""

    @property
    def decoder(self) -> Decoder:
        """The decoder with these settings."""
        given = self.background or "white"
        if isinstance(given, str):
            return Decoder(background=(given, COLOURS[given]), intensity=self.intensity)
        name = f"[{', '.join(map(str, given))}]"
        return Decoder(background=(name, given), intensity=self.intensity)


class _Chosen(NamedTuple):
    """Image files of rows, in the order of the examples."""

    table: Columns
    rows: Int[np.ndarray, " n"]
    files: Sequence[ImageFile]

    def reject(self, outcome: Outcome) -> None:
        reject_files(self.table, self.rows, self.files, outcome.refused)

    def name(self, i: int) -> str:
        return file_name(self.table, int(self.rows[i]), self.files[i])


def read_images(columns: Columns, column: str, rule: ImageRule, order: np.ndarray) -> Examples:
    """Images of rows in the order given.

    A cell of the column is a path relative to the table, the bytes of a file, or a struct of both
    as on the Hugging Face hub. Raises `DataError` for images that are missing or refused, with
    their rows, and for images of several sizes without `rule.size`.
    """
    files = _files(columns, column)
    chosen = _Chosen(columns, order, [files[i] for i in order])
    side = rule.size or _side(chosen)
    pixels = np.empty((len(order), side, side, 3), dtype=np.uint8)
    outcome = decode_all(chosen.files, rule.decoder, ImageTransform(side), pixels)
    chosen.reject(outcome)
    if rule.intensity is not None and not any("scaled" in what for what in outcome.done):
        raise DataError(
            f"{columns.path}: `intensity` is for grey images of more than 8 bits, and none of "
            f"{len(order):,} images has more\n  leave it out"
        )
    return Examples(pixels, notes=(*_sizes(outcome.sizes, side), *_done(outcome)))


def _done(outcome: Outcome) -> list[str]:
    """Sentences on what else was done to images."""
    n = len(outcome.sizes)
    found = [f"{k:,} of {n:,} images were {what}" for what, k in sorted(outcome.done.items())]
    if outcome.grey is not None:
        least, most, white = outcome.grey
        levels = round(255 * most / white) - round(255 * least / white) + 1
        found.append(
            f"their grey values are from {least:,.0f} to {most:,.0f} of {white:,.0f}, which makes "
            f"{levels} of 256 levels; `intensity: [low, high]` stretches a range of them to all"
        )
    return found


def _files(columns: Columns, column: str) -> list[ImageFile]:
    """The image file of each row."""
    folder = columns.path if columns.path.is_dir() else columns.path.parent
    cells = columns[column]
    if cells.dtype.kind not in "OUST" or any(isinstance(cell, list) for cell in cells):
        raise DataError(
            f"{columns.path}: a column of images has paths, bytes of files, or structs of both, "
            f"and {column!r} has numbers\n  save each image as a file, such as a PNG"
        )
    if cells.dtype == object and any(isinstance(cell, bytes | dict) for cell in cells):
        files = [_file(cell, folder) for cell in cells]
    else:
        files = [folder / name for name in columns.texts(column, "image")]
    absent = np.array([not file for file in files])
    columns.reject_rows(
        absent, f"have no image in {column!r}", "every row has an image: its path, or its bytes"
    )
    there = [file for file in files if file is not None]
    reject_absent(columns, there, folder)
    return there


def _file(cell: Any, folder: Path) -> ImageFile | None:
    """The file of a cell that has bytes, or a struct of bytes and path; None: no image."""
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    return folder / cell if isinstance(cell, str) and cell.strip() else cell or None


def _side(chosen: _Chosen) -> int:
    """The height and width that all images have."""
    outcome = measure_all(chosen.files)
    chosen.reject(outcome)
    least, most = _extremes(outcome.sizes)
    if least != most:
        named = [f"{size} ({chosen.name(outcome.sizes.index(size))})" for size in (least, most)]
        raise DataError(
            f"{chosen.table.path}: images need one size, and their sizes are from {named[0]} to "
            f"{named[1]}, height × width\n"
            "  write the height and width that they are resized to, such as `size: 64`"
        )
    if least.height != least.width:
        raise DataError(
            f"{chosen.table.path}: networks take square images, and these are {least}, height × "
            f"width\n  write `size: {min(least)}`, which resizes them and does not keep their "
            "proportions; or crop them"
        )
    return least.height


def _extremes(sizes: Sequence[Size]) -> tuple[Size, Size]:
    """The sizes with the fewest and with the most pixels."""
    in_order = sorted(set(sizes), key=lambda size: (size.height * size.width, size))
    return in_order[0], in_order[-1]


def _sizes(sizes: Sequence[Size], side: int) -> list[str]:
    """Sentences on the sizes of images, which all have the same side now."""
    least, most = _extremes(sizes)
    to = Size(side, side)
    n = len(sizes)
    if least == most == to:
        return [f"{n:,} images of {to} are used as they are"]
    found = f"of {least}" if least == most else f"from {least} to {most}"
    notes = [f"{n:,} images {found} were resized to {to}"]
    stretched = sum(size.height != size.width for size in sizes)
    if stretched:
        notes.append(
            f"{stretched:,} of {n:,} images are not square, and their proportions were not kept"
        )
    return notes
