"""Folders of Parquet files from the Hugging Face hub, with the splits in the names of files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evenhand.data.files.columns import Columns, read
from evenhand.data.files.csv_text import TextFormat
from evenhand.data.files.named_rows import NamedRows
from evenhand.data.files.split_rule import SPLITS
from evenhand.errors import DataError

SPLIT = "split"
"""Name of the column that is added."""
MAX_SHOWN = 5
"""Largest number of files or folders that an error lists."""
SHARD = re.compile(r"-of-(\d+)")


def read_hub_folder(
    folder: Path, form: TextFormat | None = None, *, own_splits: bool = True
) -> Columns:
    """Read all Parquet files of a folder as one table.

    form         format of cells that are text
    own_splits   whether the names of files give the splits, in the column `split`, and not
                 another column or a rule

        data/train-00000-of-00002.parquet  data/train-00001-of-00002.parquet  data/test-….parquet
        default/train/0000.parquet         default/test/0000.parquet

    Raises `DataError` for files without a split in their name, for missing ones, and for files with
    other columns.
    """
    files = [path for path in sorted(folder.rglob("*.parquet")) if not _is_hidden(folder, path)]
    if not files:
        raise DataError(
            f"{folder}: a folder as a table has Parquet files such as train-00000-of-00001.parquet "
            "and test-00000-of-00001.parquet, and this one has none\n  name a file in `path`, or "
            "use the data set `image_folder` for images in folders of classes"
        )
    splits = {path: _split(folder, path) for path in files}
    _check_one_place(folder, splits)
    _check_shards(splits)
    _check_splits(folder, {*splits.values()}, own_splits=own_splits)
    parts = [(path, read(path, form)) for path in files]
    if own_splits and SPLIT in parts[0][1].values:
        raise DataError(
            f"{parts[0][0]}: the files' names give the splits, and there is a column "
            f"{SPLIT!r}, too\n  rename the column, or name one file in `path`"
        )
    values = _together(parts)
    if own_splits:
        lengths = [len(part) for _, part in parts]
        values[SPLIT] = np.repeat(np.array([*splits.values()], dtype=object), lengths)
    names = [
        f"{path.relative_to(folder)} row {part.row_number(row)}"
        for path, part in parts
        for row in range(len(part))
    ]
    first = parts[0][1]
    return NamedRows(folder, values, form=first.form, index=first.index, names=names)


def _is_hidden(folder: Path, path: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _split(folder: Path, path: Path) -> str:
    """The split in the name of a file, or else the name of its folder."""
    above = path.parent.name.lower() if path.parent != folder else ""
    found = _splits_in(path.stem) or ({SPLITS[above]} if above in SPLITS else set())
    if len(found) != 1:
        raise DataError(
            f"{path}: the name of a Parquet file has its split, train, val, validation or test, "
            f"and this one has {' and '.join(sorted(found)) or 'none'}\n"
            "  rename the file or move it away, or name one file in `path`"
        )
    return found.pop()


def _splits_in(name: str) -> set[str]:
    words = re.split(r"[^a-z]+", name.lower())
    return {SPLITS[word] for word in words if word in SPLITS}


def _check_one_place(folder: Path, splits: Mapping[Path, str]) -> None:
    """Refuse several configurations of a data set, each of which has a folder of its own."""
    homes = {path.parent if _splits_in(path.stem) else path.parent.parent for path in splits}
    if len(homes) > 1:
        told = ", ".join(str(home) for home in sorted(homes)[:MAX_SHOWN])
        raise DataError(
            f"{folder}: the Parquet files of a data set are in one folder, and there are some in "
            f"{told}\n  name one of these folders in `path`"
        )


def _check_shards(splits: Mapping[Path, str]) -> None:
    """Check that there are as many files of a split as the number in their names."""
    there: dict[str, list[Path]] = defaultdict(list)
    for path, split in splits.items():
        there[split].append(path)
    for split, paths in there.items():
        wanted = {int(found[1]) for path in paths if (found := SHARD.search(path.stem))}
        if wanted and wanted != {len(paths)}:
            raise DataError(
                f"{paths[0].parent}: {' or '.join(map(str, sorted(wanted)))} files of the split "
                f"{split} belong together by their names, and {len(paths)} are there: "
                f"{', '.join(path.name for path in paths[:MAX_SHOWN])}\n  copy all of them"
            )


def _check_splits(folder: Path, splits: set[str], *, own_splits: bool) -> None:
    if not own_splits and len(splits) > 1:
        raise DataError(
            f"{folder}: the names of files give the splits, and the suite has another `split`\n"
            "  leave `split` out, or name one file in `path`"
        )
    missing = sorted({"train", "test"} - splits)
    if own_splits and missing:
        raise DataError(
            f"{folder}: a problem needs files of train and test, and there are none of "
            f"{' and '.join(missing)}\n"
            "  copy them here; or "
            + (
                "draw the splits: `split: {test: 0.2}`"
                if len(splits) == 1
                else "rename the files of one split, such as validation to test, where their "
                "labels are not hidden"
            )
        )


def _together(parts: Sequence[tuple[Path, Columns]]) -> dict[str, np.ndarray]:
    first, model = parts[0]
    for path, part in parts[1:]:
        if other := sorted(part.values.keys() ^ model.values.keys()):
            raise DataError(
                f"{path}: files of one data set have the same columns, and "
                f"{', '.join(other[:MAX_SHOWN])} is only in this one or only in {first}\n"
                "  remove the column, or write it to all files"
            )
        for name, values in part.values.items():
            if values.shape[1:] != model.values[name].shape[1:]:
                raise DataError(
                    f"{path}: {name!r} has {values.shape[1:]} numbers in a row, and "
                    f"{model.values[name].shape[1:]} in {first}\n  write the files again"
                )
    return {name: np.concatenate([part.values[name] for _, part in parts]) for name in model.values}
