"""Tables of a user's own: features, or paths of images, with a label, a group and a split.

problems:
  - table: {path: birds.csv, label: species, group: place}
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
from jaxtyping import Int
from pydantic import Field

from evenhand.data.cells import check_cells
from evenhand.data.files.columns import Columns, read
from evenhand.data.files.data_root import data_root
from evenhand.data.files.image_list import ImageTransform, Rows, list_images
from evenhand.data.images import Images, Source
from evenhand.data.splits import fingerprint
from evenhand.declared.decorators import dataset
from evenhand.errors import DataError

SPLITS = {
    "train": "train", "training": "train", "0": "train",
    "val": "val", "valid": "val", "validation": "val", "1": "val",
    "test": "test", "testing": "test", "2": "test",
}  # fmt: skip
MAX_SHOWN = 5
"""Largest number of values that an error lists."""

ALL = ("all",)

Column = Annotated[str, Field(min_length=1)]


@dataset(title="Table", own_val="maybe", comes="a file of your own")
def table(
    path: Annotated[str, Field(min_length=1)],
    label: Column,
    group: Column | None = None,
    split: Column = "split",
    image: Column | None = None,
    features: Column | None = None,
    size: Annotated[int, Field(ge=1)] | None = None,
) -> Source:
    """Table of your own in `.csv`, `.parquet` or `.npz`, with a label and a split for each row.

    `path` is relative to the data root, and paths of images are relative to the table. The columns
    of features are those that match `features`, such as `f_*`; by default all other columns with
    numbers. With `image`, that column has paths of images, which are resized to `size` × `size`, by
    default 32 × 32, in RGB. A split is train, val or test, or 0, 1 or 2; val may be absent. Classes
    and groups are sorted by name, numbers by value.
    """
    if image is None and size is not None:
        raise DataError(
            f"{path}: `size` is of images, and is {size} without a column `image`\n"
            "  name the column of paths, `image: …`, or leave `size` out"
        )
    if image is not None and features is not None:
        raise DataError(
            f"{path}: examples are images or features, and both `image` and `features` are set\n"
            "  leave one of them out"
        )
    columns = read(data_root() / Path(path).expanduser())
    rows = _rows(columns, label, group, split)
    if image is not None:
        names = columns.texts(image, "image")
        listed = list_images(columns, rows, names, columns.path.parent, ImageTransform(size or 32))
        return _digested(listed.decoded())
    taken = [name for name in (label, group, split) if name]
    return _digested(_features(columns, rows, features, taken))


@dataset(
    cite="sagawa2020distributionally",
    title="Waterbirds, features",
    n_classes=2,
    n_groups=2,
    classes=("landbird", "waterbird"),
    own_val=True,
    comes="a file that `evenhand data features` writes",
)
def waterbirds_features() -> Source:
    """Waterbirds as features of a network, which `evenhand data features waterbirds` writes.

    The file is `waterbirds_features.npz` or `.parquet` under the data root.
    """
    files = [data_root() / f"waterbirds_features.{form}" for form in ("npz", "parquet")]
    there = next((file for file in files if file.exists()), None)
    if there is None:
        raise DataError(
            f"{files[0]}: there is no such file, nor {files[1].name}\n"
            "  `evenhand data features waterbirds --backbone resnet18.tv_in1k --out "
            f"{files[0]}` writes it"
        )
    columns = read(there)
    rows = _rows(columns, "label", "group", "split")
    return _digested(_features(columns, rows, "features", ()))


def _digested(source: Source) -> Source:
    """The source with a digest of its content, because a user's file may change under its name."""
    return replace(source, digest=fingerprint([source.train, source.val, source.test], []))


def _features(columns: Columns, rows: Rows, pattern: str | None, taken: Sequence[str]) -> Source:
    pixels = columns.features(pattern, taken)[:, None, None, :]

    def images(name: str) -> Images:
        index = np.flatnonzero(rows.splits == name)
        return Images(pixels[index], rows.labels[index], rows.groups[index])

    val = images("val")
    return Source(
        train=images("train"),
        test=images("test"),
        val=val if len(val) else None,
        classes=rows.classes,
        groups=rows.group_names,
    )


def _rows(columns: Columns, label: str, group: str | None, split: str) -> Rows:
    labels, classes = _numbered(columns.texts(label, "label"))
    if len(classes) < 2:
        raise DataError(
            f"{columns.path}: a problem has two classes or more, and {label!r} is {classes[0]!r} "
            f"in all {len(columns):,} rows\n  name another column, `label: …`"
        )
    groups, names = (
        (np.zeros_like(labels), ALL) if group is None else _numbered(columns.texts(group, "group"))
    )
    rows = Rows(labels, groups, splits_of(columns, split), classes, names)
    check_cells(str(columns.path), _counts(rows), rows.classes, rows.group_names)
    return rows


def splits_of(columns: Columns, name: str) -> np.ndarray:
    """The split of each row: train, val or test.

    Raises `DataError` for other values, and where no row is in train or test.
    """
    given = columns.texts(name, "split")
    found = np.array([SPLITS.get(value.lower(), "") for value in given], dtype=object)
    unknown = sorted({str(value) for value in given[found == ""]})
    told = ", ".join(map(repr, unknown[:MAX_SHOWN]))
    columns.reject_rows(
        found == "",
        f"have an unknown split in {name!r} ({told})",
        "write train, val or test; or 0, 1 or 2",
    )
    for wanted in ("train", "test"):
        if not (found == wanted).any():
            raise DataError(
                f"{columns.path}: a problem needs training and test rows, and none of "
                f"{len(columns):,} rows has the split {wanted} in {name!r}\n"
                f"  write {wanted} for some rows, or name another column, `split: …`"
            )
    return found


def _numbered(texts: np.ndarray) -> tuple[Int[np.ndarray, " rows"], tuple[str, ...]]:
    """Each text as the place of its name among the sorted names, and these names."""
    names = in_order(list({*texts.tolist()}))
    place = {name: i for i, name in enumerate(names)}
    return np.array([place[text] for text in texts], dtype=np.int64), names


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """Names sorted by alphabet, or by value where all of them are numbers."""
    try:
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    except ValueError:
        return tuple(sorted(names))


def _counts(rows: Rows) -> dict[str, Int[np.ndarray, "classes groups"]]:
    shape = (len(rows.classes), len(rows.group_names))
    there = [name for name in ("train", "val", "test") if (rows.splits == name).any()]
    found = {}
    for name in there:
        mine = rows.splits == name
        cells = rows.labels[mine] * shape[1] + rows.groups[mine]
        found[name] = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
    return found
