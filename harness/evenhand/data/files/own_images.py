"""Images of a user's own that a column of a table names or holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evenhand.data.files.columns import Columns
from evenhand.data.files.image_list import ImageTransform, Rows, list_images
from evenhand.data.files.own_source import Examples


@dataclass(frozen=True)
class ImageRule:
    """Settings of the decoding of images."""

    size: int | None = None
    """Height and width that the images are resized to."""


def read_images(columns: Columns, column: str, rule: ImageRule, order: np.ndarray) -> Examples:
    """Images of rows in the order given."""
    names = columns.texts(column, "image")[order]
    zeros = np.zeros(len(order), dtype=np.int64)
    rows = Rows(zeros, zeros, np.repeat("train", len(order)), ("all",), ("all",))
    view = ImageTransform(rule.size or 32)
    listed = list_images(columns, rows, names, columns.path.parent, view)
    return Examples(listed.train.decoded().pixels)
