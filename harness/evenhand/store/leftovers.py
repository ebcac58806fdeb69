"""Removal of a store that a command made and left without a record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from evenhand.remote.urls import URL
from evenhand.store.edition import INDEX
from evenhand.store.leases import FOLDER
from evenhand.store.marker import MARKER
from evenhand.store.store import Store

OF_A_RUN = (INDEX, MARKER, FOLDER)
"""Names of what a run writes before its first record."""


@contextmanager
def nothing_left(store: Store) -> Iterator[None]:
    """Remove the folders that a `with` block made and left without a record, where it raises.

    A folder that was there before is left alone, and so is object storage, which has no folders.
    """
    folders = [] if URL.match(store.location) else _missing(store)
    try:
        yield
    except BaseException:
        # Ctrl-C, too.
        for folder in folders:
            with suppress(OSError):
                _empty(folder)
                folder.rmdir()
        raise


def _empty(folder: Path) -> None:
    """Remove what every run writes from a folder that holds nothing else."""
    entries = list(folder.iterdir())
    if all(path.name in OF_A_RUN for path in entries):
        for path in entries:
            path.rmdir() if path.is_dir() else path.unlink()


def _missing(store: Store) -> list[Path]:
    """The edition's folder and those above it that do not exist, from the innermost outwards."""
    edition = Path(store.location).expanduser().absolute() / store.edition
    return [path for path in (edition, *edition.parents) if not path.exists()]
