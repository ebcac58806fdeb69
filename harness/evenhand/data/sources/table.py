"""Tables of a user's own: features, or images, with a label, a group and a split.

problems:
  - table: {path: birds.csv, label: species, group: place}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from evenhand.data.files.column_encoding import Impute
from evenhand.data.files.columns import Columns, read
from evenhand.data.files.csv_text import TextFormat
from evenhand.data.files.data_root import data_command, own_file
from evenhand.data.files.feature_choice import FeatureRule
from evenhand.data.files.feature_columns import read_features
from evenhand.data.files.hub_folder import read_hub_folder
from evenhand.data.files.label_names import Numbered, numbered, similar_names
from evenhand.data.files.own_images import Background, ImageRule, Intensity, Side, read_images
from evenhand.data.files.own_source import Examples, Labelled, own_source
from evenhand.data.files.split_rule import SplitRule
from evenhand.data.images import Source
from evenhand.declared.decorators import dataset
from evenhand.errors import DataError

ALL = ("all",)

Column = Annotated[str, Field(min_length=1)]
Character = Annotated[str, Field(min_length=1, max_length=1)]


@dataset(title="Table", own_val="maybe", comes="a file of your own", own_files=True, version=2)
def table(
    path: Annotated[str, Field(min_length=1)],
    label: Column,
    group: Column | None = None,
    split: SplitRule | Column = "split",
    image: Column | None = None,
    size: Side | None = None,
    background: Background | None = None,
    intensity: Intensity | None = None,
    features: Column | tuple[Column, ...] | None = None,
    leave_out: Column | tuple[Column, ...] | None = None,
    one_hot: Column | tuple[Column, ...] | None = None,
    impute: Impute | None = None,
    missing: str | tuple[str, ...] | None = None,
    separator: Character | None = None,
    decimal: Character | None = None,
    thousands: Character | None = None,
    encoding: Annotated[str, Field(min_length=1)] | None = None,
    header: Literal["none"] | None = None,
    spaces: Literal["keep"] | None = None,
) -> Source:
    """Table of your own in `.csv`, `.parquet` or `.npz`, with a label and a split for each row.

    `path` is relative to the data root. It may be a folder of Parquet files whose names have the
    splits, as on the Hugging Face hub. A split is train, val or test, or 0, 1 or 2; val may be
    absent. Classes and groups are texts as they are in the file, sorted by name, numbers by value.

    image       column of images: paths relative to the table, bytes of files, or structs of both
    size        height and width that images are resized to; without it all need one square size
    background  colour behind transparent pixels, by default white
    intensity   `file` or `[low, high]`: black and white in grey images of more than 8 bits
    features    columns of features, or patterns such as `f_*`; by default all columns that have no
                other role. Row numbers, constants and copies of the label are refused unless they
                are named here
    leave_out   columns, or patterns, that are no features
    one_hot     columns of categories, or "all" for all columns of text; those of the training split
                are one-hot encoded
    impute      mean, median or most_frequent: what replaces missing numbers, from the training
                split
    missing     texts that stand for a missing value of a feature, besides blank cells
    separator   character between the fields of a `.csv` file, by default a comma
    decimal     decimal mark of numbers, by default a point
    thousands   mark between groups of three digits, by default none
    encoding    encoding of the text, by default UTF-8
    header      none for a `.csv` file whose first row is data: its columns are c1, c2, …
    spaces      keep for spaces around texts, which are removed by default
    """
    of_images = ImageRule(size, background, intensity)
    categories: Literal["all"] | tuple[str, ...] = "all" if one_hot == "all" else _tuple(one_hot)
    of_features = FeatureRule(_tuple(features), _tuple(leave_out), categories, impute)
    _reject_of_other(path, image, of_images, of_features)
    form = TextFormat(encoding, separator, decimal, thousands, header, spaces, _tuple(missing))
    _reject_marks(path, form)
    splits = SplitRule.model_validate(split)
    columns = _read(path, form, splits)
    taken = _roles(columns, [(label, "label"), (group, "group"), (image, "image")], splits.roles)
    rows = _labelled(columns, label, group)
    of_rows = splits.of(columns, rows.cells)
    if image is not None:
        reader = partial(read_images, columns, image, of_images)
    else:
        reader = partial(read_features, columns, of_features, taken)
    return own_source(rows, of_rows, partial(_described, columns, rows, taken, reader))


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
    files = [own_file(f"waterbirds_features.{form}") for form in ("npz", "parquet")]
    there = next((file for file in files if file.exists()), None)
    if there is None:
        options = ("--backbone", "resnet18.tv_in1k", "--out", str(files[0]))
        raise DataError(
            f"{files[0]}: there is no such file, nor {files[1].name}\n"
            f"  `{data_command('features', 'waterbirds', *options)}` writes it"
        )
    columns = read(there)
    taken: Mapping[str, str] = {"label": "label", "group": "group", "split": "split"}
    reader = partial(read_features, columns, FeatureRule(("features",)), taken)
    rows = _labelled(columns, "label", "group")
    return own_source(rows, SplitRule(column="split").of(columns, rows.cells), reader)


def _tuple(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _reject_of_other(
    path: str, image: str | None, of_images: ImageRule, of_features: FeatureRule
) -> None:
    """Raise `DataError` for settings of images without images, and of features beside images."""
    given = [name for name, value in vars(of_images).items() if value is not None]
    if image is None and given:
        raise DataError(
            f"{path}: `{given[0]}` is for images, and there is no column `image`\n"
            f"  name the column of images, `image: …`, or leave `{given[0]}` out"
        )
    given = [name for name, value in vars(of_features).items() if value]
    if image is not None and given:
        raise DataError(
            f"{path}: examples are images or features, and `image` and `{'`, `'.join(given)}` are "
            "set\n  leave one of them out"
        )


def _read(path: str, form: TextFormat, splits: SplitRule) -> Columns:
    place = own_file(path)
    if place.is_dir():
        return read_hub_folder(place, form, own_splits=splits.column == "split")
    return read(place, form)


def _reject_marks(path: str, form: TextFormat) -> None:
    """Raise `DataError` for marks with which a number has no meaning."""
    decimal, thousands = form.decimal or ".", form.thousands
    if decimal == thousands or any(
        mark.isalnum() or mark in "+-" for mark in decimal + (thousands or "")
    ):
        raise DataError(
            f"{path}: the marks of numbers are two different signs, and the decimal mark is "
            f"{decimal!r} and the mark of thousands {thousands!r}\n"
            '  write for example `decimal: ",", thousands: "."`'
        )


def _roles(
    columns: Columns, named: Sequence[tuple[str | None, str]], of_split: Mapping[str, str]
) -> dict[str, str]:
    """Role of each column that is no feature. Raises `DataError` for a column with two of them."""
    taken: dict[str, str] = {}
    for name, role in [*named, *of_split.items()]:
        if name is None:
            continue
        if name in taken:
            raise DataError(
                f"{columns.path}: {name!r} is the {taken[name]} and the {role}\n"
                "  a column has one role: name another one for the other role"
            )
        taken[name] = role
    return taken


def _described(
    columns: Columns,
    rows: Labelled,
    taken: Mapping[str, str],
    read: Callable[[np.ndarray], Examples],
    order: np.ndarray,
) -> Examples:
    """Examples with sentences on the whole table, and beside images the columns left out."""
    found = read(order)
    names = (
        *similar_names(rows.classes, "classes"),
        *similar_names(rows.group_names, "groups"),
    )
    others = {name: taken.get(name, "the examples are images") for name in columns.values}
    return replace(
        found,
        left_out=found.left_out or others,
        notes=(*names, *columns.notes(), *found.notes),
    )


def _labelled(columns: Columns, label: str, group: str | None) -> Labelled:
    labels = numbered(columns.texts(label, "label"))
    if len(labels.names) < 2:
        raise DataError(
            f"{columns.path}: a problem has two classes or more, and {label!r} is "
            f"{labels.names[0]!r} in all {len(columns):,} rows\n  name another column, `label: …`"
        )
    if 2 * len(labels.names) > len(columns):
        raise DataError(
            f"{columns.path}: a class has several rows, and {label!r} has {len(labels.names):,} "
            f"different values in {len(columns):,} rows\n"
            "  name a column of classes, `label: …`; a number to predict is no class"
        )
    groups = Numbered(np.zeros_like(labels.numbers), ALL)
    if group is not None:
        groups = numbered(columns.texts(group, "group"))
    return Labelled(str(columns.path), labels.numbers, groups.numbers, labels.names, groups.names)
