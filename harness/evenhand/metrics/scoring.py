"""Evaluation of a metric by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.registry import REGISTRY
from evenhand.errors import MetricError
from evenhand.metrics.classes import Train
from evenhand.metrics.outputs import Outputs


def score(
    name: str,
    seen: PredictionCounts | Outputs,
    train: Train | Sequence[Any],
    settings: Mapping[str, Any] = {},
) -> float | None:
    """Value of the named metric, or None if it is undefined.

    Raises `UnknownName`, and `MetricError` where `seen` is not what the metric is computed from.

    seen      counts [groups, labels, predictions] of the evaluated split, as `count` makes them;
              for a metric of probabilities the logits, as `outputs` makes them
    train     [labels] or [labels, groups] of the training set
    settings  settings of the method. A metric that is registered with `reads=("weight",)` takes
              this setting as a further argument, and is undefined for methods without it

    >>> score("accuracy", np.array([[[8, 2], [1, 9]]]), np.array([[90], [10]]))
    0.85
    """
    entry = REGISTRY.get("metric", name)
    if is_of_logits(name) != isinstance(seen, Outputs):
        source = "logits: write `metrics.outputs(logits, labels)`"
        if isinstance(seen, Outputs):
            source = "counts: write `metrics.count(labels, predictions)`"
        raise MetricError(f"{name} is computed from {source}")
    read = [settings.get(setting) for setting in entry.facts.get("reads", ())]
    if None in read:
        return None
    trained = np.asarray(train)
    if trained.ndim == 1:
        trained = trained[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = entry.make(seen, trained, *read)
    return float(value) if value is not None and math.isfinite(value) else None


def is_of_logits(name: str) -> bool:
    """Whether the named metric is computed from logits, and not from counts."""
    return REGISTRY.get("metric", name).facts.get("of") == "logits"


def unit(name: str) -> str:
    """Unit of the named metric: "%" for a fraction that reports show in percent, "nats", or "1"."""
    return str(REGISTRY.get("metric", name).facts.get("unit", "%"))


def bounds(name: str) -> tuple[float, float]:
    """Smallest and largest value that the named metric can have, as it is declared.

    Infinite where the metric declares no bound, and never guessed from the unit.

    >>> bounds("mcc"), bounds("nll")
    ((-1.0, 1.0), (0.0, inf))
    """
    low, high = REGISTRY.get("metric", name).facts.get("bounds", (None, None))
    return (
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
    )


def version_of(name: str) -> str:
    """Version of a metric's code, which a record keeps beside the values of a metric of logits."""
    entry = REGISTRY.get("metric", name)
    return entry.code or str(entry.version)


def better(name: str) -> str:
    """Direction in which the named metric improves, "higher" or "lower"."""
    return str(REGISTRY.get("metric", name).facts["better"])
