"""Choice of the columns of a table that are features, and their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evenhand.data.files.columns import Columns
from evenhand.data.files.own_source import Examples


@dataclass(frozen=True)
class FeatureRule:
    """Settings of the choice of features."""

    features: str | None = None
    """Pattern of the names of feature columns; None: all columns that may be features."""


def read_features(
    columns: Columns, rule: FeatureRule, taken: Mapping[str, str], order: np.ndarray
) -> Examples:
    """Features of rows in the order given.

    taken   columns with another role, such as the label, each with that role
    """
    matrix = columns.features(rule.features, taken)
    return Examples(matrix[order][:, None, None, :], left_out=taken)
