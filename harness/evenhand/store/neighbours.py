"""Editions near a store in a folder: its other editions, and stores above, below and beside it.

They are only read, and never more than a few hundred folders of them. The index of an edition is
used where there is one, but not brought up to date: of the records that it lacks, a few hundred are
read. Nothing is looked for in object storage.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from evenhand.remote.urls import URL
from evenhand.store.edition import INDEX, KEY, NAME
from evenhand.store.index import INDEX_BYTES, Head, load_index
from evenhand.store.local import LocalFiles
from evenhand.store.reading import RECORD, RECORD_BYTES, Unreadable, read_head

MOST_FOLDERS = 200
"""Folders that are looked at in one place."""
MOST_HEADS = 300
"""Records of one edition that are read because its index lacks them."""
ABOVE = (1, 2, 3)
"""Levels above the working directory at which a relative location is looked for."""
MAIN = "main"


class NearbyHeads(NamedTuple):
    """Heads of the records of an edition that is not the one that was read."""

    heads: dict[str, Head]
    """Heads by key."""
    unread: int
    """Number of records that were not read, because there are too many."""


@dataclass(frozen=True)
class NearbyEdition:
    """An edition of a store that is not the one that was read."""

    location: str
    """Location of its store, as an option takes it."""
    edition: str
    """Name of the edition."""
    folder: Path
    """Folder of its records."""

    def keys(self) -> frozenset[str]:
        """Keys of its records."""
        names = [name for name in _folders(self.folder) if KEY.fullmatch(name)]
        return frozenset(name for name in names if _is((self.folder / name / RECORD).is_file))

    def heads(self, keys: Collection[str]) -> NearbyHeads:
        """Heads of some of its records: those in its index, and the first ones of the others.

        An index of another format has none. Files that cannot be read as a record are left out.
        """
        files = LocalFiles(self.location, self.folder.parent)
        try:
            entries = load_index(files.read(f"{self.edition}/{INDEX}", INDEX_BYTES))
        except OSError:
            entries = {}
        found = {key: entries[key].head for key in keys if key in entries}
        others = sorted(key for key in keys if key not in entries)
        for key in others[:MOST_HEADS]:
            with suppress(OSError, Unreadable):
                found[key] = read_head(
                    files.read(f"{self.edition}/{key}/{RECORD}", RECORD_BYTES), key
                )
        return NearbyHeads(found, len(others[MOST_HEADS:]))


def editions_near(location: str, edition: str) -> Iterator[NearbyEdition]:
    """The editions near that of a store, the nearest first, each once; none for a URL."""
    if URL.match(location):
        return
    given = Path(location).expanduser()
    seen = {_real(given / edition)}
    for place, name in _candidates(given, edition):
        folder = place / name
        if not NAME.fullmatch(name) or KEY.fullmatch(name) or _real(folder) in seen:
            continue
        seen.add(_real(folder))
        if _is(folder.is_dir):
            yield NearbyEdition(str(place), name, folder)


def _candidates(given: Path, edition: str) -> Iterator[tuple[Path, str]]:
    """Locations and editions that may be meant, whether they exist or not."""
    root, usual = given.absolute(), dict.fromkeys((edition, MAIN))
    inside = _editions(root)
    yield from ((given, name) for name in inside)
    # `results/main` in place of `results`.
    yield _parent(given), root.name
    for inner in inside:
        yield from ((given / inner, name) for name in _editions(root / inner))
    for beside in _editions(root.parent):
        # `results/mian` in place of the edition `main` of `results`.
        yield _parent(given), beside
        yield from ((_parent(given) / beside, name) for name in usual)
    if not given.is_absolute():
        for folder in [*(Path(*[os.pardir] * n) for n in ABOVE), *map(Path, _editions(Path()))]:
            yield from ((folder / given, name) for name in usual)


def _parent(given: Path) -> Path:
    """The folder above, as an option takes it."""
    return given.parent if given.name not in ("", os.pardir) else given / os.pardir


def _editions(folder: Path) -> list[str]:
    """The first folders in a folder, by name, whose names an edition can have."""
    names = (name for name in _folders(folder) if NAME.fullmatch(name) and not KEY.fullmatch(name))
    return sorted(names)[:MOST_FOLDERS]


def _folders(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if _is(entry.is_dir))
    except OSError:
        return


def _is(test: Callable[[], bool]) -> bool:
    """Whether a test of a path holds; false where this user may not look, as in `/root`."""
    with suppress(OSError):
        return test()
    return False


def _real(folder: Path) -> str:
    return os.path.realpath(folder)
