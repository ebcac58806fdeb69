"""Counts by group, label and prediction, which every metric is computed from."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from jaxtyping import Int

from evenhand.declared.labels import PredictionCounts
from evenhand.errors import MetricError

MOST_COUNTS = 10**9
"""Numbers in the counts; more would fill the memory."""


def count(
    labels: Any,
    predictions: Any,
    *,
    groups: Any = None,
    n_classes: int | None = None,
    n_groups: int | None = None,
) -> PredictionCounts:
    """Examples by group, label and prediction, of shape [groups, labels, predictions].

    labels, predictions and groups are lists, arrays or tensors of whole numbers from 0, one for
    each example. n_classes and n_groups are needed where some class or group does not occur.

    Raises `MetricError` where they are not that.

    >>> counts = count([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], n_classes=3)
    >>> counts[0]
    array([[1, 1, 0],
           [0, 2, 0],
           [1, 0, 0]])
    """
    of = {"labels": labels, "predictions": predictions}
    given = {name: _indices(name, values) for name, values in of.items()}
    given["groups"] = (
        np.zeros_like(given["labels"]) if groups is None else _indices("groups", groups)
    )
    lengths = {name: len(values) for name, values in given.items()}
    if len(set(lengths.values())) > 1:
        raise MetricError(f"labels, predictions and groups are of one length; these are {lengths}")
    m = _size("n_classes", n_classes, given["labels"], given["predictions"])
    k = _size("n_groups", n_groups, given["groups"])
    if k * m * m > MOST_COUNTS:
        raise MetricError(
            f"{k} groups and {m} classes have {k * m * m:,} counts; labels, predictions and groups "
            f"are indices from 0, and at most {MOST_COUNTS:,} counts are made"
        )
    flat = (given["groups"] * m + given["labels"]) * m + given["predictions"]
    return np.bincount(flat, minlength=k * m * m).reshape(k, m, m)


def _indices(name: str, values: Any) -> Int[np.ndarray, " n"]:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        found = np.asarray(values)
    except ValueError:
        raise MetricError(f"{name} have rows of different lengths; write one number each") from None
    if found.ndim != 1 or (found.dtype.kind not in "iu" and found.size):
        raise MetricError(
            f"{name} are whole numbers, one for each example; "
            f"these are {found.dtype} of shape {list(found.shape)}"
        )
    if (found < 0).any():
        raise MetricError(f"{name} count from 0; one of them is {found.min()}")
    return found.astype(np.int64)


def _size(name: str, given: int | None, *values: Int[np.ndarray, " n"]) -> int:
    """The number of classes or groups, that no value reaches."""
    is_whole = isinstance(given, Integral) and not isinstance(given, bool)
    if given is not None and (not is_whole or given < 1):
        raise MetricError(f"{name} is {given!r}; write a whole number of at least 1")
    seen = 1 + max((int(v.max()) for v in values if v.size), default=-1)
    if given is None:
        return max(seen, 1)
    if given < seen:
        raise MetricError(f"{name} is {given}, and an example has the index {seen - 1}")
    return given
