"""Encoding of categories and imputation of missing values, fitted on the training split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32

from evenhand.data.images import Images
from evenhand.errors import DataError

Impute = Literal["mean", "median", "most_frequent"]


@dataclass(frozen=True)
class ColumnEncoder:
    """Encoder of raw columns, of which a category is the number of its name.

    The inputs of the network are the columns of numbers, then those of the categories of the
    training split. A category that the training split lacks is 0 in all of its columns.
    """

    path: str
    """Path of the table, for messages."""
    names: tuple[str, ...]
    """Name of each raw column."""
    is_category: tuple[bool, ...]
    """Whether a raw column has categories."""
    impute: Impute | None = None
    """Statistic of the training split that replaces missing numbers; None where none is missing.

    Missing categories are replaced by the most frequent one.
    """

    def fitted(self, train: Images) -> FittedEncoder:
        """The encoding with the statistics and categories of a training split.

        Raises `DataError` where a column has no value in it.
        """
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        raw = train.pixels.reshape(len(train), -1)
        empty = [name for name, no in zip(self.names, np.isnan(raw).all(0), strict=True) if no]
        if empty:
            raise DataError(
                f"{self.path}: {len(empty)} of {len(self.names)} columns have no value in the "
                f"training split: {', '.join(map(repr, empty[:5]))}\n  leave them out, "
                "`leave_out: …`, because there is nothing to impute from"
            )
        is_category = np.array(self.is_category)
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
        categories = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot)
        numbers = SimpleImputer(strategy=self.impute or "mean")
        if is_category.any():
            categories.fit(raw[:, is_category])
        if not is_category.all():
            numbers.fit(raw[:, ~is_category])
        return FittedEncoder(is_category, numbers, categories)


@dataclass(frozen=True)
class FittedEncoder:
    """Encoding of raw columns with what was taken from a training split."""

    is_category: np.ndarray
    numbers: Any
    """Imputer of the columns of numbers."""
    categories: Any
    """Imputer and one-hot encoder of the columns of categories."""

    def __call__(self, images: Images) -> Images:
        """The examples with the network's inputs."""
        raw = images.pixels.reshape(len(images), -1)
        parts: list[Float32[np.ndarray, "n inputs"]] = []
        if not self.is_category.all():
            parts.append(self.numbers.transform(raw[:, ~self.is_category]))
        if self.is_category.any():
            parts.append(self.categories.transform(raw[:, self.is_category]))
        inputs = np.concatenate(parts, axis=1, dtype=np.float32)
        return Images(inputs[:, None, None, :], images.labels, images.groups)
