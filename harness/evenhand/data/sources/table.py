"""Tables of a user's own: features, or images, with a label, a group and a split.

problems:
  - table: {path: birds.csv, label: species, group: place}
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from evenhand.data.files.columns import Columns, read
from evenhand.data.files.data_root import data_root
from evenhand.data.files.feature_columns import FeatureRule, read_features
from evenhand.data.files.hub_folder import read_hub_folder
from evenhand.data.files.label_names import Numbered, numbered
from evenhand.data.files.own_images import Background, ImageRule, Intensity, Side, read_images
from evenhand.data.files.own_source import Labelled, own_source
from evenhand.data.files.split_rule import SplitRule
from evenhand.data.images import Source
from evenhand.declared.decorators import dataset
from evenhand.errors import DataError

ALL = ("all",)

Column = Annotated[str, Field(min_length=1)]


@dataset(title="Table", version=2, own_val="maybe", comes="a file of your own", own_files=True)
def table(
    path: Annotated[str, Field(min_length=1)],
    label: Column,
    group: Column | None = None,
    split: SplitRule | Column = "split",
    image: Column | None = None,
    features: Column | None = None,
    size: Side | None = None,
    background: Background | None = None,
    intensity: Intensity | None = None,
) -> Source:
    """Table of your own in `.csv`, `.parquet` or `.npz`, with a label and a split for each row.

    `path` is relative to the data root. It may be a folder of Parquet files whose names have the
    splits, as on the Hugging Face hub. The columns of features are those that match `features`,
    such as `f_*`; by default all other columns with numbers. With `image`, that column has images:
    paths relative to the table, bytes of files, or structs of both. They become RGB in 8 bits and
    are resized to `size` × `size`; without `size` all need one square size. `background` is behind
    transparent pixels, by default white. `intensity`, which is `file` or `[low, high]`, has the
    values of black and white in grey images of more than 8 bits. A split is train, val or test, or
    0, 1 or 2; val may be absent. Classes and groups are sorted by name, numbers by value.
    """
    of_images = {"size": size, "background": background, "intensity": intensity}
    given = [name for name, value in of_images.items() if value is not None]
    if image is None and given:
        raise DataError(
            f"{path}: `{given[0]}` is for images, and there is no column `image`\n"
            f"  name the column of images, `image: …`, or leave `{given[0]}` out"
        )
    if image is not None and features is not None:
        raise DataError(
            f"{path}: examples are images or features, and both `image` and `features` are set\n"
            "  leave one of them out"
        )
    place = data_root() / Path(path).expanduser()
    rule = SplitRule.model_validate(split)
    if place.is_dir():
        columns = read_hub_folder(place, own_splits=rule.column == "split")
    else:
        columns = read(place)
    taken = {label: "label"} | ({group: "group"} if group else {}) | rule.roles
    rows = _labelled(columns, label, group)
    of_rows = rule.of(columns, rows.cells)
    if image is not None:
        reader = partial(read_images, columns, image, ImageRule(size, background, intensity))
    else:
        reader = partial(read_features, columns, FeatureRule(features), taken)
    return own_source(rows, of_rows, reader)


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
    taken: Mapping[str, str] = {"label": "label", "group": "group", "split": "split"}
    reader = partial(read_features, columns, FeatureRule("features"), taken)
    rows = _labelled(columns, "label", "group")
    return own_source(rows, SplitRule(column="split").of(columns, rows.cells), reader)


def _labelled(columns: Columns, label: str, group: str | None) -> Labelled:
    labels = numbered(columns.texts(label, "label"))
    if len(labels.names) < 2:
        raise DataError(
            f"{columns.path}: a problem has two classes or more, and {label!r} is "
            f"{labels.names[0]!r} in all {len(columns):,} rows\n  name another column, `label: …`"
        )
    groups = Numbered(np.zeros_like(labels.numbers), ALL)
    if group is not None:
        groups = numbered(columns.texts(group, "group"))
    return Labelled(str(columns.path), labels.numbers, groups.numbers, labels.names, groups.names)
