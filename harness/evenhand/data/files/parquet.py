"""The hub's format: `train*.parquet` and `test*.parquet`, image bytes beside whole-number labels.

The hub's files hold the official images in another order than the official files do.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.data.files.folder import decoded
from evenhand.data.files.original import Original
from evenhand.data.images import Images, Source
from evenhand.errors import DataError

CALLED = "Parquet files"
IMAGE_COLUMNS = ("image", "img")
ROWS_AT_ONCE = 1000


def form(original: Original) -> str:
    """How these files look, in words."""
    columns = " or ".join(original.label_columns)
    tests = " or ".join(f"{name}*.parquet" for name in original.test_names)
    return f"Parquet: train*.parquet and {tests} with the columns image and {columns}"


def fits(original: Original, place: Path) -> bool:
    """Whether both splits are here, or below, by the names of their files."""
    return bool(_files(place, "train") and _test(original, place))


def read(original: Original, place: Path) -> Source:
    """Raises `DataError` for columns that are not there, torn images and other classes."""
    train = _files(place, "train")
    original = original.naming(_names(original, train[0]), train[0])
    return Source(
        train=_split(original, train),
        test=_split(original, _test(original, place)),
        classes=original.classes,
        per_class=original.train,
        in_official_order=False,
    )


def _files(place: Path, split: str) -> list[Path]:
    """One of two files stands for both."""
    folder = place.parent if place.suffix == ".parquet" else place
    return sorted(folder.rglob(f"{split}*.parquet")) if folder.is_dir() else []


def _names(original: Original, path: Path) -> list[str]:
    """What a file calls the classes; their numbers where it does not say."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if original.classes:
        return []
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _torn(path, error) from None
    numbers = [f"{label:03}" for label in range(original.n_classes)]
    return _said(schema, _columns(original, path, schema)[1]) or numbers


def _torn(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read as Parquet: {error}\n  copy it again")


def _test(original: Original, place: Path) -> list[Path]:
    """The files of the test split."""
    return next(filter(None, (_files(place, name) for name in original.test_names)), [])


def _split(original: Original, files: list[Path]) -> Images:
    pixels, labels = [], []
    for path in files:
        read = _file(original, path)
        pixels.append(read.pixels)
        labels.append(read.labels)
    together = np.concatenate(labels)
    return Images(np.concatenate(pixels), together, np.zeros_like(together))


def _file(original: Original, path: Path) -> Images:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            image, label = _columns(original, path, file.schema_arrow)
            pixels = np.empty((file.metadata.num_rows, *original.shape), dtype=np.uint8)
            labels = np.empty(len(pixels), dtype=np.int64)
            row = 0
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=[image, label]):
                for given, value in zip(*(column.to_pylist() for column in batch), strict=True):
                    pixels[row] = decoded(_bytes(given), original, f"{path}: row {row}")
                    labels[row] = -1 if value is None else value
                    row += 1
    except (pa.ArrowException, OSError, TypeError, ValueError) as error:
        raise _torn(path, error) from None
    return Images(pixels, labels, np.zeros_like(labels))


def _bytes(given: Any) -> io.BytesIO:
    """The hub's images are bytes beside a path; a column of bytes alone will do."""
    return io.BytesIO((given["bytes"] if isinstance(given, dict) else given) or b"")


def _columns(original: Original, path: Path, schema: Any) -> tuple[str, str]:
    found = []
    for wanted in (IMAGE_COLUMNS, original.label_columns):
        there = [name for name in wanted if name in schema.names]
        if not there:
            raise DataError(
                f"{path}: no column is called {' or '.join(wanted)}\n"
                f"  its columns: {', '.join(schema.names)}"
            )
        found.append(there[0])
    _check_names(original, path, schema, found[1])
    return found[0], found[1]


def _check_names(original: Original, path: Path, schema: Any, column: str) -> None:
    """Where the file says what its labels are called, they are the official classes in order.

    A name that is none of ours is let pass: the hub's CIFAR-100 calls the crab "cra".
    """
    for place, name in enumerate(_said(schema, column)):
        if name in original.classes and original.classes.index(name) != place:
            raise DataError(
                f"{path}: label {place} of {column} is {name}; of {original.name} it is "
                f"{original.classes[place]}\n  take the hub's own files, or the official ones"
            )


def _said(schema: Any, column: str) -> list[str]:
    """What a file calls its labels; [] where it does not say."""
    about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    names: list[str] = about.get("info", {}).get("features", {}).get(column, {}).get("names", [])
    return names
