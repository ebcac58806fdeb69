"""A node's own copy of a prepared data set, which it reads in place of the driver's.

A copy is known by its fingerprint. It is the folder of a data root of the node, or was fetched from
object storage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache as once
from pathlib import Path
from typing import NamedTuple

from evenhand.data.files import cache
from evenhand.data.files.contents import CONTENTS
from evenhand.data.files.data_root import Root, data_roots, has_file, shown
from evenhand.data.files.fetching import UnreachableError, fetched, open_root, read_contents
from evenhand.data.files.prepared import contents_in, keep, read, use_copy
from evenhand.data.images import PreparedFiles, Source
from evenhand.data.splits import load
from evenhand.declared.base import Part
from evenhand.errors import DataError

IsChecked = Callable[[PreparedFiles], bool]
"""Whether files are those that the driver has checked."""
Refused = set[tuple[Root, PreparedFiles]]
"""Copies that could not be used, so that they are not tried again."""


class Copy(NamedTuple):
    """A data set that was loaded from a copy, or the reasons why there is none."""

    source: Source | None
    refused: list[str]


def _is_unchecked(_: PreparedFiles) -> bool:
    return False


def load_from(dataset: Part, files: PreparedFiles) -> Source:
    """Load a data set from files whose bytes were checked.

    Raises `DataError` where they cannot be read, or were replaced by others.
    """
    with use_copy(files.name, files.folder):
        source = load(dataset)
    if source.files is None or source.files.fingerprint != files.fingerprint:
        raise DataError(
            f"{files.folder}: the prepared {files.name} was replaced while the run goes on\n"
            "  rerun the same command, which reads the new one"
        )
    return source


def is_readable(files: PreparedFiles) -> bool:
    """Whether this process can read these files where the driver has them."""
    try:
        found = read(files.name, files.folder, checked=False)
    except (DataError, OSError):
        return False
    return found.contents.fingerprint == files.fingerprint


def load_copy(
    dataset: Part,
    wanted: PreparedFiles,
    is_checked: IsChecked = _is_unchecked,
    given_up: Refused | None = None,
) -> Copy:
    """Load a data set from the first of the data roots with the same files.

    A process reads every byte of a copy once, before it uses it the first time: the copy may be
    another one than `check_copies` has read.

    given_up: copies that are passed over; those that cannot be used are added.
    """
    refused, given_up = [], set() if given_up is None else given_up
    for root in data_roots():
        if (root, wanted) in given_up:
            continue
        try:
            found = _loaded(dataset, wanted, root, is_checked)
        except DataError as error:
            given_up.add((root, wanted))
            refused.append(str(error).partition("\n")[0])
            continue
        if found is not None:
            return Copy(found, [])
    return Copy(None, refused)


def _loaded(
    dataset: Part, wanted: PreparedFiles, root: Root, is_checked: IsChecked
) -> Source | None:
    if isinstance(root, Path):
        folder = root / wanted.name
        if (
            not has_file(folder / CONTENTS)
            or contents_in(wanted.name, folder).fingerprint != wanted.fingerprint
        ):
            return None
        here = wanted._replace(folder=folder)
        if not is_checked(here):
            _read_once(here)
        return load_from(dataset, here)
    held = fetched(wanted.name, root, wanted.fingerprint)
    here = wanted._replace(folder=held.folder)
    try:
        _read_once(here)
        source = load_from(dataset, here)
    except DataError:
        held.release()
        raise
    keep(held, source)
    return source


class Checked(NamedTuple):
    """What a check of a node's copies found."""

    damaged: list[str]
    """Copies with the right fingerprint and other bytes, each with what to do."""
    notes: list[str]
    """Copies that are not used."""


def check_copies(wanted: Iterable[PreparedFiles], is_checked: IsChecked) -> Checked:
    """Read every byte of the copies under the data roots of this machine."""
    found, silent = Checked([], []), dict[str, str]()
    for files in wanted:
        others = []
        for root in data_roots():
            try:
                fingerprint = _checked(files, root, is_checked, silent)
            except _UnknownCopyError as error:
                others.append(f"{files.name}: {error}")
                continue
            except DataError as error:
                found.damaged.append(str(error))
                break
            if fingerprint == files.fingerprint:
                found.notes.extend(f"{text}; that of {shown(root)} is used" for text in others)
                break
            if fingerprint is not None:
                others.append(
                    f"{files.name} in {shown(root)} is not used: it has the fingerprint "
                    f"{fingerprint}, and that of the run is {files.fingerprint}"
                )
        else:
            found.notes.extend(f"{text}; it travels from the driver" for text in others)
    return found


class _UnknownCopyError(Exception):
    """A copy of which nothing is known, so that the run does without it."""


def _checked(
    wanted: PreparedFiles, root: Root, is_checked: IsChecked, silent: dict[str, str]
) -> str | None:
    """Fingerprint of the copy under a root; None where there is none.

    silent: reasons of buckets that did not answer, which are not asked again.

    Raises `DataError` for other bytes than the right fingerprint states.
    """
    if isinstance(root, Path):
        folder = root / wanted.name
        if not has_file(folder / CONTENTS):
            return None
        try:
            fingerprint = contents_in(wanted.name, folder).fingerprint
        except DataError as error:
            raise _UnknownCopyError(str(error).partition("\n")[0]) from None
        here = wanted._replace(folder=folder)
        if fingerprint == wanted.fingerprint and not is_checked(here):
            _read_whole(here)
        return fingerprint
    held = cache.held(f"{wanted.name}-{wanted.fingerprint}")
    if held is not None:
        try:
            _read_whole(wanted._replace(folder=held.folder))
        finally:
            held.release()
        return wanted.fingerprint
    if root in silent:
        raise _UnknownCopyError(silent[root])
    try:
        return read_contents(open_root(root), wanted.name).contents.fingerprint
    except DataError as error:
        reason = str(error).partition("\n")[0]
        if isinstance(error, UnreachableError):
            silent[root] = reason
        raise _UnknownCopyError(reason) from None


@once
def _read_once(files: PreparedFiles) -> None:
    """Read every byte, unless this process has done so. Raises `DataError` each time."""
    _read_whole(files)


def _read_whole(files: PreparedFiles) -> None:
    """Read every byte. Raises `DataError` in one line, with what to do on a node."""
    try:
        read(files.name, files.folder)
    except DataError as error:
        reason = str(error).partition("\n")[0]
        right = f"remove the folder {files.folder} there, and the node gets the data set anew"
        raise DataError(f"{reason}; {right}") from None
