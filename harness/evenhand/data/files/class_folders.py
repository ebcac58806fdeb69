"""Folders of images by class: `train/cat/1.png`, `test/cat/2.png`, or `cat/1.png` alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evenhand.data.files.named_rows import NamedRows
from evenhand.data.files.split_rule import SPLITS
from evenhand.errors import DataError

LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "icon\r"})
"""Files and folders that operating systems leave, in lower case."""
SPLIT_NAMES = {name: split for name, split in SPLITS.items() if name.isalpha()}
MAX_SHOWN = 8
"""Largest number of folders that an error lists."""


class ClassFolders(NamedTuple):
    """Images with their classes and, where there are folders of splits, their splits."""

    columns: NamedRows
    """The columns `file`, `label` and `split`; `split` is "" without folders of splits."""
    has_splits: bool
    notes: tuple[str, ...]


@dataclass
class _Found:
    """What a search of folders finds."""

    files: list[Path] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    """Hidden files, and those that operating systems leave."""


def list_class_folders(root: Path) -> ClassFolders:
    """List the images below a folder, sorted by split, class and name.

    Symbolic links are followed. Raises `DataError` for files and folders that have no place in this
    layout, by path, and for names of classes that differ in case alone.
    """
    found = _Found()
    folders = _folders(root, found, "the folders of classes or splits")
    splits = _splits(root, folders, found)
    for folder, split in splits.items() if splits else [(root, "")]:
        for of_class in _folders(folder, found, "the folders of classes"):
            _add_class(of_class, split, found)
    _check_names(root, found)
    columns = NamedRows(
        root,
        {
            name: np.array(values, dtype=object)
            for name, values in (
                ("file", [str(path.relative_to(root)) for path in found.files]),
                ("label", found.labels),
                ("split", found.splits),
            )
        },
        names=[str(path.relative_to(root)) for path in found.files],
        called="files",
    )
    return ClassFolders(columns, bool(splits), _notes(root, found))


def _notes(root: Path, found: _Found) -> tuple[str, ...]:
    if not found.ignored:
        return ()
    n, first = len(found.ignored), found.ignored[0].relative_to(root)
    what = "1 hidden or system file was" if n == 1 else f"{n:,} hidden or system files were"
    return (f"{what} ignored, such as {first}",)


def _visible(folder: Path, found: _Found) -> Iterator[Path]:
    """Paths in a folder, sorted by name, without hidden ones."""
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be read as a folder of images: {error.strerror}\n"
            "  name a folder with folders of classes; an archive needs to be unpacked first"
        ) from None
    for path in paths:
        if path.name.startswith(".") or path.name.lower() in LITTER:
            # The top folder is listed twice: for splits, and for classes where it has none.
            found.ignored += [path] if path not in found.ignored else []
        else:
            yield path


def _folders(folder: Path, found: _Found, beside: str) -> list[Path]:
    """The folders in a folder, which has nothing else."""
    there = []
    for path in _visible(folder, found):
        if not path.is_dir():
            raise DataError(
                f"{path}: this file stands beside {beside}, so that it has no class\n"
                "  move it into the folder of its class, or out of the folder"
            )
        there.append(path)
    if not there:
        raise DataError(
            f"{folder}: images stand in folders of classes, and there are no folders here\n"
            f"  make a folder for each class, such as {folder.name}/cat"
        )
    return there


def _splits(root: Path, folders: list[Path], found: _Found) -> dict[Path, str]:
    """The split of each folder; empty where the folders are classes."""
    splits = {
        path: SPLIT_NAMES[path.name.lower()] for path in folders if path.name.lower() in SPLIT_NAMES
    }
    others = [path.name for path in folders if path not in splits]
    if others:
        # A train may also be a class of vehicles.
        nested = [path.name for path in splits if any(p.is_dir() for p in _visible(path, _Found()))]
        if nested:
            raise DataError(
                f"{root}: folders are splits or classes, and there are splits "
                f"({', '.join(nested)}) beside other folders ({', '.join(others[:MAX_SHOWN])})\n"
                "  call the splits train, val and test, and move the others out of the folder"
            )
        return {}
    for split in ("train", "val", "test"):
        named = [path.name for path, of in splits.items() if of == split]
        if len(named) > 1 or (not named and split != "val"):
            raise DataError(
                f"{root}: a problem has one folder for each of train and test, and one for val if "
                f"there is any; for {split} there is {' and '.join(named) or 'none'}\n  "
                + (
                    f"move the images of {' and '.join(named)} into one folder"
                    if named
                    else f"make a folder {split}; or split the images of one folder by the suite: "
                    f"`path: {root.name}/{folders[0].name}, split: {{test: 0.2}}`"
                )
            )
    return splits


def _add_class(folder: Path, split: str, found: _Found) -> None:
    before = len(found.files)
    for path in _visible(folder, found):
        if path.is_dir():
            raise DataError(
                f"{path}: the folder of a class has images, and this is a folder in it\n"
                "  move its images into the folder of their class; or name in `path` the folder "
                "that has the folders of classes or splits"
            )
        if not path.exists():
            raise DataError(
                f"{path}: this symbolic link leads to a file that is not there\n"
                "  copy the file, or remove the link"
            )
        found.files.append(path)
        found.labels.append(folder.name)
        found.splits.append(split)
    if len(found.files) == before:
        raise DataError(
            f"{folder}: the folder of a class has images, and this one has none\n"
            "  copy its images again, or remove the folder"
        )


def _check_names(root: Path, found: _Found) -> None:
    names = sorted(set(found.labels))
    alike: dict[str, str] = {}
    for name in names:
        if not name.isprintable() or name != name.strip():
            raise DataError(
                f"{root}: the name of a class is readable text, and the folder {name!r} has "
                "invisible characters\n  rename the folder"
            )
        other = alike.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            raise DataError(
                f"{root}: the folders {other!r} and {name!r} differ in case or in the encoding of "
                "accents alone, so that they are two classes\n  rename one of them"
            )
    if len(names) < 2:
        raise DataError(
            f"{root}: a problem has two classes or more, and there is only {names[0]!r}\n"
            "  add folders of other classes"
        )
