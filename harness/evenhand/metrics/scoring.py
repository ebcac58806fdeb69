"""A metric by its name."""

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
    """The named metric, or None where it is undefined. Raises `UnknownName`.

    counts are [groups, labels, predictions], as `count` makes them; train are the training counts,
    [labels] or [labels, groups].

    settings are the method's: a metric registered with `reads=("weight",)` is called with that one
    as well, and is undefined for a method without it.
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
    """ "higher" or "lower": the direction in which the named metric improves."""
    return str(REGISTRY.get("metric", name).facts["better"])
