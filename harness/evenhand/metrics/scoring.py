"""Evaluation of a metric by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.registry import REGISTRY
from evenhand.metrics.classes import Train


def score(
    name: str,
    counts: PredictionCounts,
    train: Train | Sequence[Any],
    settings: Mapping[str, Any] = {},
) -> float | None:
    """Value of the named metric, or None if it is undefined. Raises `UnknownName`.

    counts    [groups, labels, predictions] of the evaluated split, as `count` makes them
    train     [labels] or [labels, groups] of the training set
    settings  settings of the method. A metric that is registered with `reads=("weight",)` takes
              this setting as a further argument, and is undefined for methods without it

    >>> score("accuracy", np.array([[[8, 2], [1, 9]]]), np.array([[90], [10]]))
    0.85
    """
    entry = REGISTRY.get("metric", name)
    read = [settings.get(setting) for setting in entry.facts.get("reads", ())]
    if None in read:
        return None
    trained = np.asarray(train)
    if trained.ndim == 1:
        trained = trained[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = entry.make(counts, trained, *read)
    return float(value) if value is not None and math.isfinite(value) else None


def better(name: str) -> str:
    """Direction in which the named metric improves, "higher" or "lower"."""
    return str(REGISTRY.get("metric", name).facts["better"])
