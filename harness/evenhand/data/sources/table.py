"""Any table of a user's: features, or paths of images, with a label, a group and a split.

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
from evenhand.data.files.image_list import Rows, View, listing
from evenhand.data.files.root import data_root
from evenhand.data.images import Images, Source
from evenhand.data.splits import fingerprint
from evenhand.declared.registry import dataset
from evenhand.errors import DataError

SPLITS = {
    "train": "train", "training": "train", "0": "train",
    "val": "val", "valid": "val", "validation": "val", "1": "val",
    "test": "test", "testing": "test", "2": "test",
}  # fmt: skip
SHOWN = 5
"""Values that an error names."""

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
    """A table of your own, `.csv`, `.parquet` or `.npz`, with columns of a label and of a split.

    path is relative to the data root, and paths of images to the table. Columns of features are
    those that fit `features`, such as `f_*`; by default all others that hold numbers. With `image`
    they are paths of images, each resized to `size` × `size`, or 32 × 32, in RGB. A split is train,
    val or test, or 0, 1 or 2; there need be no val. Classes and groups go by their names in order,
    numbers as numbers.
    """
    if image is None and size is not None:
        raise DataError(f"{path}: size = {size} is of images, and no column is named as `image`")
    if image is not None and features is not None:
        raise DataError(f"{path}: columns of images and of features are named; leave one out")
    columns = read(data_root() / Path(path).expanduser())
    rows = _rows(columns, label, group, split)
    if image is not None:
        names = columns.texts(image, "image")
        listed = listing(columns, rows, names, columns.path.parent, View(size or 32))
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
    """Waterbirds as features of a network: what `evenhand data features waterbirds` wrote.

    That is `waterbirds_features.npz` or `.parquet` under the data root.
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
    """The file may be another one tomorrow, under the same name."""
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
            f"{columns.path}: {label!r} is {classes[0]!r} in all {len(columns):,} rows\n"
            "  a problem has two classes or more: name another column, `label: …`"
        )
    groups, names = (
        (np.zeros_like(labels), ALL) if group is None else _numbered(columns.texts(group, "group"))
    )
    rows = Rows(labels, groups, splits_of(columns, split), classes, names)
    check_cells(str(columns.path), _counts(rows), rows.classes, rows.group_names)
    return rows


def splits_of(columns: Columns, name: str) -> np.ndarray:
    """train, val or test of each row. Raises `DataError` for other values, and where one lacks."""
    given = columns.texts(name, "split")
    found = np.array([SPLITS.get(value.lower(), "") for value in given], dtype=object)
    unknown = sorted({str(value) for value in given[found == ""]})
    told = ", ".join(map(repr, unknown[:SHOWN]))
    columns.refuse(
        found == "",
        f"have an unknown split in {name!r} ({told})",
        "write train, val or test; or 0, 1 or 2",
    )
    for wanted in ("train", "test"):
        if not (found == wanted).any():
            raise DataError(
                f"{columns.path}: no row of {len(columns):,} has the split {wanted} in {name!r}\n"
                "  a problem needs rows to train on and rows to test on"
            )
    return found


def _numbered(texts: np.ndarray) -> tuple[Int[np.ndarray, " rows"], tuple[str, ...]]:
    """Each value as the number of its name in order."""
    names = in_order(list({*texts.tolist()}))
    place = {name: i for i, name in enumerate(names)}
    return np.array([place[text] for text in texts], dtype=np.int64), names


def in_order(names: Sequence[str]) -> tuple[str, ...]:
    """By alphabet; by size where all of them are numbers."""
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
