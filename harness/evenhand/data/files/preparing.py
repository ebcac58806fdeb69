"""Preparation of a data set, once, also when several processes begin it at the same time."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path
from types import ModuleType

from evenhand.data.files import folder, official_files, parquet
from evenhand.data.files.data_root import Root
from evenhand.data.files.fetching import how_missing
from evenhand.data.files.image_list import ListedSource
from evenhand.data.files.locks import locked
from evenhand.data.files.original import Original, verify
from evenhand.data.files.prepared import Prepared, find, write
from evenhand.data.images import Source
from evenhand.errors import DataError
from evenhand.remote.urls import without_secrets

FORMS = (official_files, folder, parquet)
ORPHANED_SECONDS = 24 * 3600


def prepare_once(
    original: Original, root: Root, *, place: Path | None = None, again: bool = False
) -> Prepared:
    """Prepare a data set under a root, from files at a place or from a download.

    A data set that is prepared already is returned. again: it is prepared again; processes that
    have mapped the old files keep them. Any number of processes, also on several machines, may call
    this at once: one of them prepares the data set, and all return it. Raises `DataError` for files
    that are missing, damaged, mislabelled or cannot be written.
    """
    if isinstance(root, str):
        raise DataError(
            f"{without_secrets(root)}: a data set is prepared in a folder, and this is object "
            f"storage\n  {how_missing(original.name)}"
        )
    if place is not None and not place.exists():
        raise DataError(f"{place}: there is no such file or folder")
    if not again and (root / original.name).exists():
        # Without a lock, because a user may lack the permission to write to the root.
        return find(original.name, root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / f".{original.name}.lock"):
            if again or not (root / original.name).exists():
                _make(original, root, place, again=again)
            return find(original.name, root)
    except OSError as error:
        raise DataError(f"{error.filename or root}: {error.strerror or error}") from None


def _make(original: Original, root: Path, place: Path | None, *, again: bool) -> None:
    _sweep(original, root)
    part = root / f".{original.name}-{uuid.uuid4().hex[:12]}"
    part.mkdir()
    try:
        source, origin = _read(original, place, part)
        verify(original, source, str(place or original.name))
        write(source, original.name, part / "new", origin)
        _put(part / "new", root / original.name, part / "old" if again else None)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _read(original: Original, place: Path | None, part: Path) -> tuple[Source | ListedSource, str]:
    """The data set, and a description of the files that it was read from."""
    if place is None and original.official is None:
        raise DataError(
            f"{original.name} cannot be downloaded\n  add `--from DIR`\n  {_forms(original)}"
        )
    if place is None:
        return official_files.download(original, part), f"{official_files.FORM_NAME} downloaded"
    for kind in _kinds(original):
        if kind.fits(original, place):
            return kind.read(original, place), f"{kind.FORM_NAME} {place.resolve()}"
    raise DataError(f"{place}: no images of {original.name} found\n  {_forms(original)}")


def _kinds(original: Original) -> tuple[ModuleType, ...]:
    """Readers of a data set; only official files have groups."""
    return FORMS if len(original.groups) == 1 else (official_files,)


def _forms(original: Original) -> str:
    forms = [kind.form(original) for kind in _kinds(original) if kind.form(original)]
    return "\n  ".join(["DIR may contain", *forms])


def _put(new: Path, name: Path, old: Path | None) -> None:
    """Rename the new folder; a folder that another process renamed first is kept."""
    if old is not None and name.exists():
        name.rename(old)
    try:
        new.rename(name)
    except OSError:
        if not name.is_dir():
            raise


def _sweep(original: Original, root: Path) -> None:
    """Remove the folders of killed processes; younger folders may be in use."""
    for path in root.glob(f".{original.name}-*"):
        if time.time() - path.stat().st_mtime > ORPHANED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
