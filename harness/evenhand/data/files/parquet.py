"""Reader of the Hugging Face hub's Parquet files, with encoded images and integer labels.

They are `train*.parquet` and `test*.parquet`. Their images are the official ones in another order.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.data.files.folder import decoded
from evenhand.data.files.hub_labels import label_names
from evenhand.data.files.original import Original
from evenhand.data.images import Images, Source
from evenhand.errors import DataError

FORM_NAME = "Parquet files"
IMAGE_COLUMNS = ("image", "img")
ROWS_AT_ONCE = 1000


def form(original: Original) -> str:
    """Description of these files."""
    columns = " or ".join(original.label_columns)
    tests = " or ".join(f"{name}*.parquet" for name in original.test_names)
    return f"Parquet: train*.parquet and {tests} with the columns image and {columns}"


def fits(original: Original, place: Path) -> bool:
    """Whether a place, or a folder in it, has files of both splits by their names."""
    return bool(_files(place, "train") and _test(original, place))


def read(original: Original, place: Path) -> Source:
    """Read both splits. Raises `DataError` for missing columns, damaged images or other classes."""
    train = _files(place, "train")
    original = original.with_classes(_names(original, train[0]), train[0])
    return Source(
        train=_split(original, train),
        test=_split(original, _test(original, place)),
        classes=original.classes,
        per_class=original.train,
        in_official_order=False,
    )


def _files(place: Path, split: str) -> list[Path]:
    """Files of a split in a folder; a single file stands for its folder."""
    folder = place.parent if place.suffix == ".parquet" else place
    found = sorted(folder.rglob(f"{split}*.parquet")) if folder.is_dir() else []
    return [path for path in found if path.is_file()]


def _names(original: Original, path: Path) -> list[str]:
    """Class names in a file; the numbers of the classes where it has no names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if original.classes:
        return []
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise _torn(path, error) from None
    numbers = [f"{label:03}" for label in range(original.n_classes)]
    return label_names(schema, _columns(original, path, schema)[1]) or numbers


def _torn(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read as Parquet: {error}\n  copy it again")


def _test(original: Original, place: Path) -> list[Path]:
    """Files of the test split."""
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
                given, values = (column.to_pylist() for column in batch)
                mine = slice(row, row + len(values))
                files = [_bytes(cell) for cell in given]
                pixels[mine] = decoded(files, original, partial(_place, path, row))
                labels[mine] = [-1 if value is None else value for value in values]
                row += len(values)
    except (pa.ArrowException, OSError, TypeError, ValueError) as error:
        raise _torn(path, error) from None
    return Images(pixels, labels, np.zeros_like(labels))


def _place(path: Path, first: int, i: int) -> str:
    return f"{path}: row {first + i}"


def _bytes(given: Any) -> bytes:
    """Bytes of an image, which the hub stores with a path; a column of bytes is accepted, too."""
    return (given["bytes"] if isinstance(given, dict) else given) or b""


def _columns(original: Original, path: Path, schema: Any) -> tuple[str, str]:
    found = []
    for wanted in (IMAGE_COLUMNS, original.label_columns):
        there = [name for name in wanted if name in schema.names]
        if not there:
            raise DataError(
                f"{path}: a column {' or '.join(wanted)} is needed\n"
                f"  its columns: {', '.join(schema.names)}; rename one of them"
            )
        found.append(there[0])
    _check_names(original, path, schema, found[1])
    return found[0], found[1]


def _check_names(original: Original, path: Path, schema: Any, column: str) -> None:
    """Check that the label names in a file, if any, are the official classes in their order.

    Unknown names are accepted, because the hub's CIFAR-100 calls the crab "cra".
    """
    for place, name in enumerate(label_names(schema, column)):
        if name in original.classes and original.classes.index(name) != place:
            raise DataError(
                f"{path}: label {place} of {column} is {name}; in {original.name} it is "
                f"{original.classes[place]}\n  take the hub's own files, or the official ones"
            )
