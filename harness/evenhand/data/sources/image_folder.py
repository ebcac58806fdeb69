"""Images of a user's own in folders by class.

problems:
  - image_folder: {path: photos, size: 32}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from evenhand.data.files.class_folders import ClassFolders, list_class_folders
from evenhand.data.files.data_root import own_file
from evenhand.data.files.label_names import numbered
from evenhand.data.files.own_images import Background, ImageRule, Intensity, Side, read_images
from evenhand.data.files.own_source import Examples, Labelled, own_source
from evenhand.data.files.split_rule import SplitRule
from evenhand.data.images import Source
from evenhand.declared.decorators import dataset
from evenhand.errors import DataError


@dataset(title="Image folder", own_val="maybe", comes="a folder of your own", own_files=True)
def image_folder(
    path: Annotated[str, Field(min_length=1)],
    size: Side | None = None,
    split: SplitRule | None = None,
    background: Background | None = None,
    intensity: Intensity | None = None,
) -> Source:
    """Folder of your own with images by class: `train/cat/1.png` and `test/cat/2.png`.

    `path` is relative to the data root. A folder `val` is optional. A folder of classes alone,
    `cat/1.png`, needs a rule in `split`, such as `{test: 0.2, val: 0.1}` or `{folds: 5}`. Images
    are resized to `size` × `size`; without `size` all need one square size. They become RGB in 8
    bits: turned by their EXIF tag, composited on `background` (by default white) where they are
    transparent, and scaled from 16 bits by the range of the mode or by `intensity`, which is `file`
    or `[low, high]`. Classes are sorted by name, numbers by value.
    """
    found = list_class_folders(own_file(path))
    labels = numbered(found.columns.values["label"])
    zeros = np.zeros_like(labels.numbers)
    rows = Labelled(str(found.columns.path), labels.numbers, zeros, labels.names, ("all",))
    rule = ImageRule(size, background, intensity)
    return own_source(rows, _rule(found, split).of(found.columns, rows.cells), _reader(found, rule))


def _rule(found: ClassFolders, split: SplitRule | None) -> SplitRule:
    """The rule of the suite, or else the folders of splits."""
    root = found.columns.path
    rule = None if split is None else SplitRule.model_validate(split)
    if rule is None and found.has_splits:
        return SplitRule(column="split")
    if rule is None:
        raise DataError(
            f"{root}: there are no folders train and test, and no rule `split`\n"
            "  write `split: {test: 0.2, val: 0.1}` or `split: {folds: 5}`, or move the images to "
            "train/CLASS and test/CLASS"
        )
    if found.has_splits:
        raise DataError(
            f"{root}: the folders train and test give the splits, and there is a rule `split`\n"
            f"  leave `split` out, or name a folder of classes, such as `path: {root.name}/train`"
        )
    if rule.roles:
        raise DataError(
            f"{root}: a folder of images has no columns, and `split` names "
            f"{', '.join(map(repr, rule.roles))}\n"
            "  use `split: {test: 0.2}` or `{folds: 5}`, or a `table` that lists the images"
        )
    return rule


def _reader(found: ClassFolders, rule: ImageRule) -> Callable[[np.ndarray], Examples]:
    def read(order: np.ndarray) -> Examples:
        examples = read_images(found.columns, "file", rule, order)
        return replace(examples, notes=(*found.notes, *examples.notes))

    return read
