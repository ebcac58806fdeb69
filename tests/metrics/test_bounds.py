"""Bounds of metrics: declared by every metric of Evenhand, and true."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evenhand.declared.decorators import metric
from evenhand.declared.registry import REGISTRY
from evenhand.errors import SpecError
from evenhand.metrics import bounds, is_of_logits, outputs, score

SHIPPED = [entry.name for entry in REGISTRY.all("metric") if entry.is_shipped]
SETTINGS = {"label": 0, "weight": 3.0}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_metric_declares_bounds_that_hold(name: str) -> None:
    low, high = bounds(name)
    rng = np.random.default_rng(0)
    assert "bounds" in REGISTRY.get("metric", name).facts
    for scale in (0.1, 1.0, 30.0):
        for _ in range(30):
            counts = rng.poisson(scale, (2, 2, 2)) * rng.integers(0, 2, (2, 2, 2)) + np.eye(
                2, dtype=int
            )
            labels = rng.permutation([0, 1, *rng.integers(0, 2, 8)])
            logits = outputs(rng.normal(0, 3 * scale, (10, 2)), labels)
            seen = logits if is_of_logits(name) else counts
            value = score(name, seen, rng.integers(1, 50, (2, 2)), SETTINGS)
            assert value is None or low - 1e-12 <= value <= high + 1e-12


def test_a_metric_without_bounds_has_infinite_ones() -> None:
    entry = REGISTRY.get("metric", "accuracy")
    assert bounds("accuracy") == (0.0, 1.0)
    assert bounds("nll") == (0.0, math.inf)
    assert entry.facts["bounds"] == (0, 1)


@pytest.mark.parametrize("wrong", [(1, 0), (0,), 1, (0, "1"), (0, math.inf), (0, math.nan)])
def test_bounds_that_are_no_ascending_pair_are_refused(wrong: object) -> None:
    with pytest.raises(SpecError, match="has bounds="):

        @metric(better="higher", title="Mine", bounds=wrong)
        def bounded_wrongly(counts: np.ndarray, train: np.ndarray) -> float:
            return 0.0
