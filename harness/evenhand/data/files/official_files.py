"""Reader of official files: a data set's verified archive, or the folder that it unpacks to."""

from __future__ import annotations

from functools import partial
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from evenhand.data.files.archives import unpack
from evenhand.data.files.data_root import data_command
from evenhand.data.files.image_list import ListedSource
from evenhand.data.files.original import Archive, Original
from evenhand.data.images import Images, Source
from evenhand.errors import DataError

FORM_NAME = "official files"


def form(original: Original) -> str:
    """Description of these files; "" where the data set has none."""
    if original.official is None:
        return ""
    archive = _archive(original)
    return f"the official files: {archive.layout or f'{archive.folder}/ or {archive.filename}'}"


def fits(original: Original, place: Path) -> bool:
    """Whether a place has the official folder or its archive."""
    if original.official is None:
        return False
    archive = _archive(original)
    return bool(_unpacked(archive, place) or _packed(archive, place))


def read(original: Original, place: Path) -> Source | ListedSource:
    """Read the official files. Raises `DataError` where their MD5 is not the official one."""
    from torchvision.datasets.utils import check_integrity

    archive = _archive(original)
    if (unpacked := _unpacked(archive, place)) is not None:
        return archive.read(original, unpacked)
    packed = _packed(archive, place)
    assert packed is not None
    if archive.md5 is None:
        raise DataError(
            f"{packed}: an archive without an official checksum is not unpacked here\n"
            f"  unpack it, and give the folder {archive.folder} as `--from DIR`"
        )
    if not check_integrity(str(packed), archive.md5):
        raise DataError(
            f"{packed}: not the official archive, or not all of it: its MD5 is not {archive.md5}\n"
            f"  copy or download it again: {archive.url}"
        )
    with TemporaryDirectory(prefix="evenhand-") as folder:
        unpack(packed, Path(folder))
        return archive.read(original, Path(folder) / archive.folder)


def download(original: Original, folder: Path) -> Source | ListedSource:
    """Download the archive into a folder and read it. Raises `DataError` where that fails."""
    from torchvision.datasets.utils import download_url

    archive = _archive(original)
    if archive.md5 is None:
        raise DataError(
            f"{original.name} has no official checksum, so it is not downloaded here\n"
            f"  get it from {archive.url}, and add `--from DIR`: {form(original)}"
        )
    try:
        download_url(archive.url, folder, md5=archive.md5)
    except (OSError, HTTPException, RuntimeError) as error:
        raise DataError(
            f"{original.name} cannot be downloaded from {archive.url}: {error}\n"
            "  without a network, copy the files to this machine and add `--from DIR`"
        ) from None
    return read(original, folder)


def _unpacked(archive: Archive, place: Path) -> Path | None:
    """The official folder, where a place is that folder or its parent."""
    return next(filter(archive.holds, (place, place / archive.folder)), None)


def _packed(archive: Archive, place: Path) -> Path | None:
    """The archive, where a place is that file or its folder."""
    file = place if place.name == archive.filename else place / archive.filename
    return file if file.is_file() else None


def _archive(original: Original) -> Archive:
    """The data set's own archive, or the one of its torchvision class."""
    if isinstance(original.official, Archive):
        return original.official
    from torchvision import datasets

    kind = getattr(datasets, original.official or "")
    return Archive(
        url=kind.url,
        md5=kind.tgz_md5,
        folder=kind.base_folder,
        holds=lambda place: place.name == kind.base_folder and place.is_dir(),
        read=partial(_by_torchvision, kind),
    )


def _by_torchvision(kind: Any, original: Original, folder: Path) -> Source:
    try:
        train, test = (kind(root=folder.parent, train=train) for train in (True, False))
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{folder}: not the official files, or not all of them: {error}\n"
            f"  copy them again, or download them: `{data_command('prepare', original.name)}`"
        ) from None
    if tuple(train.classes) != original.classes:
        raise DataError(
            f"{folder}: not the official classes of {original.name}: {', '.join(train.classes)}\n"
            "  take the official files"
        )
    return Source(
        train=_images(train),
        test=_images(test),
        classes=original.classes,
        per_class=original.train,
    )


def _images(official: Any) -> Images:
    labels = np.asarray(official.targets, dtype=np.int64)
    return Images(np.ascontiguousarray(official.data), labels, np.zeros_like(labels))
