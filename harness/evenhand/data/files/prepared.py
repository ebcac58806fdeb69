"""Prepared data sets: folders of NumPy files, which are mapped into memory.

    cifar10/contents.json  train.pixels.npy  train.labels.npy  train.groups.npy  test.pixels.npy  …

A folder gets its name by a single rename, when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Shaped

from evenhand.data.files.cache import Held, cache_folder
from evenhand.data.files.contents import CONTENTS, MOST_BYTES, Contents, File, parse
from evenhand.data.files.data_root import VARIABLE, Root, data_command, data_root, use_data_root
from evenhand.data.files.fetching import fetched
from evenhand.data.files.image_list import ListedImages, ListedSource
from evenhand.data.files.original import Archive, Original
from evenhand.data.images import Images, Source
from evenhand.declared.input_files import check_regular, read_input
from evenhand.declared.registry import REGISTRY
from evenhand.errors import DataError, UnknownName
from evenhand.pulse import pulse

SPLITS = ("train", "test", "val")
CHUNK = 16 * 2**20
"""Bytes that are read between two signs of progress."""


@dataclass(frozen=True)
class Prepared:
    """A prepared data set that was found whole."""

    folder: Path
    contents: Contents
    source: Source


NO_COPIES: Mapping[str, Path] = MappingProxyType({})
_COPIES: ContextVar[Mapping[str, Path]] = ContextVar("checked copies", default=NO_COPIES)


@contextmanager
def use_copy(name: str, folder: Path) -> Iterator[None]:
    """Load a prepared data set from a folder within a `with` block, without reading every byte."""
    token = _COPIES.set({**_COPIES.get(), name: folder})
    try:
        yield
    finally:
        _COPIES.reset(token)


def load(original: Original) -> Source:
    """Load a prepared data set from the data root, and check every byte.

    From object storage it is fetched first. Raises `DataError` where it is missing or not whole.
    """
    copy = _COPIES.get().get(original.name)
    if copy is not None:
        return read(original.name, copy, checked=False).source
    return find(original.name, data_root()).source


def find(name: str, root: Root, *, checked: bool = True) -> Prepared:
    """Find a prepared data set under a root; fetch it from object storage where it is not here.

    checked: files are compared by checksum, else by size alone. Raises `DataError` where it is
    missing or not whole.
    """
    if isinstance(root, str):
        held = fetched(name, root)
        try:
            found = read(name, held.folder, checked=checked)
        except DataError:
            held.release()
            raise
        keep(held, found.source)
        return found
    folder = root / name
    if not folder.exists():
        raise DataError(
            f"{folder}: {name} is not prepared here\n  {_how(name, root)}\n"
            f"  a data set in another folder needs --data, {VARIABLE} or the suite's `data:`"
        )
    return read(name, folder, checked=checked)


def keep(held: Held, source: Source) -> None:
    """Hold an entry of the cache as long as the images that are mapped from it are in use."""
    weakref.finalize(source.train.pixels, held.release)


def read(name: str, folder: Path, *, checked: bool = True) -> Prepared:
    """Read a prepared data set in a folder of any name. Raises `DataError` where it is not whole.

    checked: files are compared by checksum, else by size alone.
    """
    contents = contents_in(name, folder)
    for file, known in contents.files.items():
        _check(folder / file, known, name, checked=checked)
    return Prepared(folder, contents, _source(folder, contents))


def _how(name: str, root: Path, *more: str) -> str:
    """The ways to prepare a data set, as they are true of it."""
    official = _official(name)
    # Without a checksum there is no download: the user brings the unpacked archive.
    by_hand = official if isinstance(official, Archive) and official.md5 is None else None
    place = by_hand.folder if by_hand else "DIR"
    with use_data_root(root):
        download = data_command("prepare", name, *more)
        convert = data_command("prepare", name, "--from", place, *more)
    ways = [f"`{convert}` prepares it from files on this machine"]
    if by_hand:
        ways = [f"get the official files from {by_hand.url} and unpack them", *ways]
    elif official is not None:
        ways = [f"`{download}` downloads it", *ways]
    return "\n  ".join(ways)


def _official(name: str) -> str | Archive | None:
    """The archive that the authors distribute; None where there is none."""
    try:
        original: Original | None = REGISTRY.get("dataset", name).facts.get("original")
    except UnknownName:
        return None
    return original.official if original else None


def load_extra(source: Source, file: str) -> Shaped[np.ndarray, ...]:
    """Load an array that is stored with the prepared images of a source, which `load` checked."""
    assert source.files is not None
    array: np.ndarray = np.load(source.files.folder / file)
    return array


def write(source: Source | ListedSource, name: str, folder: Path, origin: str) -> None:
    """Write a data set into a new folder, whose name is not the final one.

    Listed images are written as they are decoded, so that they are never all in memory. Raises
    `DataError` for damaged files.
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


def _savers(source: Source | ListedSource) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """Name of each file, and the function that writes it."""
    for split in SPLITS:
        images: Images | ListedImages | None = getattr(source, split)
        if images is not None:
            yield f"{split}.pixels.npy", images.save
            yield f"{split}.labels.npy", partial(_save, images.labels.astype("<i8"))
            yield f"{split}.groups.npy", partial(_save, images.groups.astype("<i8"))
    for file, array in (source.extras if isinstance(source, ListedSource) else {}).items():
        yield file, partial(_save, array)


def _save(array: Shaped[np.ndarray, ...], path: Path) -> None:
    with path.open("wb") as out:
        np.save(out, np.ascontiguousarray(array), allow_pickle=False)


def _described(path: Path) -> File:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            digest.update(part)
            pulse()
    return File(bytes=path.stat().st_size, sha256=digest.hexdigest())


def contents_in(name: str, folder: Path) -> Contents:
    """What a folder states of its files. Raises `DataError`."""
    try:
        return parse(read_input(folder / CONTENTS, most=MOST_BYTES), name)
    except (OSError, DataError) as error:
        what = error.strerror if isinstance(error, OSError) else error
        raise _torn(name, folder / CONTENTS, str(what)) from None


def _check(path: Path, known: File, name: str, *, checked: bool) -> None:
    try:
        check_regular(path)
        size = path.stat().st_size
        if size != known.bytes:
            raise _torn(name, path, f"has {size} of {known.bytes} bytes")
        if checked and _described(path) != known:
            raise _torn(name, path, "has other bytes than were written")
    except OSError as error:
        raise _torn(name, path, str(error.strerror)) from None


def _torn(name: str, path: Path, what: str) -> DataError:
    folder = path.parent
    right = (
        f"remove the folder {folder}; it is fetched again\n"
        "  where that does not help, copy the data set to the bucket again"
    )
    if folder.parent != cache_folder():
        right = _how(name, folder.parent, "--again")
    return DataError(f"{path}: the prepared {name} is not whole: {what}\n  {right}")


def _source(folder: Path, contents: Contents) -> Source:
    def array(file: str, **how: Any) -> np.ndarray:
        try:
            return np.asarray(np.load(folder / file, **how))
        except (OSError, ValueError, EOFError, MemoryError) as error:
            raise _torn(contents.name, folder / file, f"is no array: {error}") from None

    def images(split: str) -> Images:
        # A plain array on mapped memory: Ray copies an array of the class `memmap` to every worker.
        pixels = array(f"{split}.pixels.npy", mmap_mode="r")
        labels, groups = (array(f"{split}.{kind}.npy") for kind in ("labels", "groups"))
        for kind, found, names in (
            ("labels", labels, contents.classes),
            ("groups", groups, contents.groups),
        ):
            if found.shape != pixels.shape[:1]:
                what = f"has the shape {list(found.shape)} for {len(pixels)} images"
            elif found.size and not 0 <= found.min() <= found.max() < len(names):
                what = f"has numbers from {found.min()} to {found.max()} for {len(names)} names"
            else:
                continue
            raise _torn(contents.name, folder / f"{split}.{kind}.npy", what)
        return Images(pixels, labels, groups)

    return Source(
        train=images("train"),
        test=images("test"),
        val=images("val") if "val.pixels.npy" in contents.files else None,
        classes=contents.classes,
        groups=contents.groups,
        per_class=contents.per_class,
        in_official_order=contents.in_official_order,
        # Ray's workers, which read them, have other working directories.
        files=contents.files_in(folder.absolute()),
    )
