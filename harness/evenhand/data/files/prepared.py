"""A prepared data set: a folder of NumPy files that are mapped into memory, and what is in them.

    cifar10/contents.json  train.pixels.npy  train.labels.npy  train.groups.npy  test.pixels.npy  …

A folder appears under its name by one rename, when it is whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Shaped
from pydantic import Field, ValidationError

from evenhand.data.files.image_list import Listed, Listing
from evenhand.data.files.original import Original
from evenhand.data.files.root import VARIABLE, data_root
from evenhand.data.images import Images, Source
from evenhand.declared.base import Spec
from evenhand.errors import DataError

CONTENTS = "contents.json"
SPLITS = ("train", "test", "val")


class File(Spec):
    """Size and SHA-256 of a file."""

    bytes: int
    sha256: str


class Contents(Spec):
    """What a prepared folder holds.

    origin       what it was made from, in words
    fingerprint  of the bytes of all files: equal where all images, labels and their order are
    prepared     when, in UTC
    """

    format: Literal[1] = 1
    name: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    per_class: int | None
    in_official_order: bool
    origin: str
    prepared: str
    files: dict[str, File] = Field(min_length=1)

    @property
    def fingerprint(self) -> str:
        text = "|".join(f"{name} {file.sha256}" for name, file in sorted(self.files.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Prepared:
    """A prepared folder that was found whole."""

    folder: Path
    contents: Contents
    source: Source


def load(original: Original) -> Source:
    """The prepared images under the data root, every byte checked.

    Raises `DataError` where they are not there or not whole.
    """
    return find(original.name, data_root()).source


def find(name: str, root: Path, *, checked: bool = True) -> Prepared:
    """A prepared data set under a root. checked: by its checksums, else by its sizes alone.

    Raises `DataError` where it is not there or not whole.
    """
    folder = root / name
    if not folder.exists():
        raise DataError(
            f"{folder}: {name} is not prepared here\n"
            f"  `evenhand data prepare {name} --root {root}` downloads it;\n"
            f"  with `--from DIR` it makes it of files that you have\n"
            f"  where it is prepared elsewhere, say so: --data, {VARIABLE} or the suite's `data:`"
        )
    contents = _contents(name, folder)
    for file, known in contents.files.items():
        _check(folder / file, known, name, checked=checked)
    return Prepared(folder, contents, _source(folder, contents))


def beside(original: Original, file: str) -> Shaped[np.ndarray, ...]:
    """An array that is kept with the prepared images, which `load` has checked."""
    array: np.ndarray = np.load(data_root() / original.name / file)
    return array


def write(source: Source | Listing, name: str, folder: Path, origin: str) -> None:
    """Fill a new folder. Nobody looks for it under the name it has meanwhile.

    Images that are listed are decoded on the way, and never all of them in memory. Raises
    `DataError` for those that are torn.
    """
    folder.mkdir()
    files = {}
    for file, save in _savers(source):
        save(folder / file)
        with (folder / file).open("rb+") as out:
            os.fsync(out.fileno())
        files[file] = _described(folder / file)
    contents = Contents(
        name=name,
        classes=source.classes,
        groups=source.groups,
        per_class=source.per_class,
        in_official_order=source.in_official_order,
        origin=origin,
        prepared=datetime.now(UTC).isoformat(timespec="seconds"),
        files=files,
    )
    with (folder / CONTENTS).open("w", encoding="utf-8") as out:
        out.write(contents.model_dump_json(indent=2))
        out.flush()
        os.fsync(out.fileno())


def _savers(source: Source | Listing) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Each file by its name, and what writes it."""
    for split in SPLITS:
        images: Images | Listed | None = getattr(source, split)
        if images is not None:
            yield f"{split}.pixels.npy", images.save
            yield f"{split}.labels.npy", partial(_save, images.labels.astype("<i8"))
            yield f"{split}.groups.npy", partial(_save, images.groups.astype("<i8"))
    for file, array in (source.beside if isinstance(source, Listing) else {}).items():
        yield file, partial(_save, array)


def _save(array: Shaped[np.ndarray, ...], path: Path) -> None:
    with path.open("wb") as out:
        np.save(out, np.ascontiguousarray(array), allow_pickle=False)


def _described(path: Path) -> File:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return File(bytes=path.stat().st_size, sha256=sha256)


def _contents(name: str, folder: Path) -> Contents:
    try:
        contents = Contents.model_validate_json((folder / CONTENTS).read_bytes())
    except (OSError, ValidationError) as error:
        what = error.strerror if isinstance(error, OSError) else "is not what was written"
        raise _torn(name, folder / CONTENTS, str(what)) from None
    if contents.name != name:
        raise _torn(name, folder, f"holds {contents.name}")
    return contents


def _check(path: Path, known: File, name: str, *, checked: bool) -> None:
    try:
        size = path.stat().st_size
        if size != known.bytes:
            raise _torn(name, path, f"has {size} of {known.bytes} bytes")
        if checked and _described(path) != known:
            raise _torn(name, path, "has other bytes than were written")
    except OSError as error:
        raise _torn(name, path, str(error.strerror)) from None


def _torn(name: str, path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: the prepared {name} is not whole: {what}\n"
        f"  `evenhand data prepare {name} --again` makes it anew"
    )


def _source(folder: Path, contents: Contents) -> Source:
    def images(split: str) -> Images:
        # A plain array on mapped memory: Ray would copy one of the class `memmap` to every worker.
        pixels = np.asarray(np.load(folder / f"{split}.pixels.npy", mmap_mode="r"))
        return Images(
            pixels, *(np.load(folder / f"{split}.{kind}.npy") for kind in ("labels", "groups"))
        )

    return Source(
        train=images("train"),
        test=images("test"),
        val=images("val") if "val.pixels.npy" in contents.files else None,
        classes=contents.classes,
        groups=contents.groups,
        per_class=contents.per_class,
        in_official_order=contents.in_official_order,
    )
