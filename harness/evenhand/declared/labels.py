"""Labels of a data set before its files are read, and the two kinds of counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Real

TrainingCounts = Real[np.ndarray, "classes groups"]
"""Training examples by class and group; for a student, sums of its teacher's probabilities."""

PredictionCounts = Int[np.ndarray, "groups labels predictions"]
"""Evaluated examples by group, true label and predicted label."""


class Labels(NamedTuple):
    """Labels of a data set, as far as they are declared without its files."""

    classes: tuple[str, ...] | None
    """Names of the classes; None if only the files give them."""
    n_classes: int
    """Number of classes."""
    n_groups: int
    """Number of groups; 1 without groups."""
