"""The official files, read, verified and downloaded by torchvision."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from harness.data.images import Images, Source
from harness.data.original import Original
from harness.errors import DataError

CALLED = "official files"


def form(original: Original) -> str:
    """How these files look, in words; "" where there are none for this data set."""
    if original.official is None:
        return ""
    kind = _kind(original)
    return f"the official files: {kind.base_folder}/ or {kind.filename}"


def fits(original: Original, place: Path) -> bool:
    """Whether the official folder, or its archive, is here."""
    return original.official is not None and _root(original, place) is not None


def read(original: Original, place: Path) -> Source:
    """Raises `DataError` for files whose MD5 is not the official one."""
    kind, root = _kind(original), _root(original, place)
    assert root is not None
    if (root / kind.base_folder).is_dir():
        return _read(original, root)
    from torchvision.datasets.utils import check_integrity, extract_archive

    archive = root / kind.filename
    if not check_integrity(str(archive), kind.tgz_md5):
        raise DataError(
            f"{archive}: not the official archive, or not all of it: its MD5 is another than "
            f"{kind.tgz_md5}\n  copy or download it again: {kind.url}"
        )
    with TemporaryDirectory(prefix="evenhand-") as folder:
        extract_archive(str(archive), folder)
        return _read(original, Path(folder))


def download(original: Original, folder: Path) -> Source:
    """Fetch the archive into a folder and read it. Raises `DataError` where that fails."""
    kind = _kind(original)
    try:
        kind(root=folder, download=True)
    except (OSError, HTTPException, RuntimeError) as error:
        raise DataError(
            f"{original.name} cannot be downloaded from {kind.url}: {error}\n"
            "  where there is no network, copy the files here by other means and add `--from DIR`"
        ) from None
    return _read(original, folder)


def _kind(original: Original) -> Any:
    from torchvision import datasets

    return getattr(datasets, original.official or "")


def _root(original: Original, place: Path) -> Path | None:
    """The folder in which torchvision would look; place is that, what is in it, or the archive."""
    kind = _kind(original)
    known = (kind.base_folder, kind.filename)
    if place.name in known and place.exists():
        return place.parent
    return place if any((place / name).exists() for name in known) else None


def _read(original: Original, root: Path) -> Source:
    kind = _kind(original)
    try:
        train, test = (kind(root=root, train=train) for train in (True, False))
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"{root / kind.base_folder}: not the official files, or not all of them: {error}\n"
            f"  copy them again, or download them: `evenhand data prepare {original.name}`"
        ) from None
    if tuple(train.classes) != original.classes:
        raise DataError(f"{root / kind.base_folder}: its classes are {', '.join(train.classes)}")
    return Source(
        train=_images(train),
        test=_images(test),
        classes=original.classes,
        per_class=original.train,
    )


def _images(official: Any) -> Images:
    labels = np.asarray(official.targets, dtype=np.int64)
    return Images(np.ascontiguousarray(official.data), labels, np.zeros_like(labels))
