"""Make the prepared form of a data set once, whoever else is at it at the same time."""

from __future__ import annotations

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from evenhand.data.files import folder, official, parquet
from evenhand.data.files.image_list import Listing
from evenhand.data.files.original import Original, verify
from evenhand.data.files.prepared import Prepared, find, write
from evenhand.data.images import Source
from evenhand.errors import DataError

try:
    import fcntl
except ImportError:  # POSIX alone has it
    fcntl = None  # type: ignore[assignment]

FORMS = (official, folder, parquet)
ORPHANED_SECONDS = 24 * 3600


def prepare_once(
    original: Original, root: Path, *, place: Path | None = None, again: bool = False
) -> Prepared:
    """What is prepared under a root, made of the files at a place or of a download if it is not.

    again makes it anew; whoever has the old files mapped keeps them. Any number of processes, also
    of several machines, may do this at once: all come back with the same, and one of them made it.
    Raises `DataError` for what is missing, torn, mislabelled or cannot be written.
    """
    if place is not None and not place.exists():
        raise DataError(f"{place}: there is no such file or folder")
    if not again and (root / original.name).exists():
        # Without a lock: others may use a root that they cannot write to.
        return find(original.name, root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root / f".{original.name}.lock"):
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


def _read(original: Original, place: Path | None, part: Path) -> tuple[Source | Listing, str]:
    """The source, and in words what it was read from."""
    if place is None and original.official is None:
        raise DataError(
            f"{original.name} cannot be downloaded: add `--from DIR`\n  {_forms(original)}"
        )
    if place is None:
        return official.download(original, part), f"{official.CALLED} downloaded"
    for kind in _kinds(original):
        if kind.fits(original, place):
            return kind.read(original, place), f"{kind.CALLED} {place.resolve()}"
    raise DataError(f"{place}: holds no images of {original.name}\n  {_forms(original)}")


def _kinds(original: Original) -> tuple[ModuleType, ...]:
    """Folders of classes and the hub's files say nothing of groups."""
    return FORMS if len(original.groups) == 1 else (official,)


def _forms(original: Original) -> str:
    forms = [kind.form(original) for kind in _kinds(original) if kind.form(original)]
    return "\n  ".join(["it may hold", *forms])


def _put(new: Path, name: Path, old: Path | None) -> None:
    """Give the new folder its name. Where somebody was first without our knowing, theirs stays."""
    if old is not None and name.exists():
        name.rename(old)
    try:
        new.rename(name)
    except OSError:
        if not name.is_dir():
            raise


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process holds the lock.

    Some network file systems have no locks, nor has Windows. Without one the work may be done
    twice, but what stands there is still whole: it comes by a rename.
    """
    with lock.open("w") as file:
        if fcntl is not None:
            with contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _sweep(original: Original, root: Path) -> None:
    """Remove what killed processes left behind; others may be at work on what is younger."""
    for path in root.glob(f".{original.name}-*"):
        if time.time() - path.stat().st_mtime > ORPHANED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
