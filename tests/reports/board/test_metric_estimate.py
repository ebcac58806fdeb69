"""Estimates of metrics keep to the bounds that the metrics declare."""

from __future__ import annotations

import pytest

from evenhand.errors import ReportError
from evenhand_reports.board.metric_estimate import metric_estimate, series_estimate
from evenhand_reports.statistics.estimate import estimate

COLLAPSED = [0.9988, 0.6252]


@pytest.mark.parametrize(
    ("metric", "scale"), [("accuracy", "logit"), ("mcc", "logit"), ("nll", "log")]
)
def test_a_metric_has_the_scale_of_its_bounds(metric: str, scale: str) -> None:
    assert metric_estimate(metric, COLLAPSED, alpha=0.05).scale == scale


def test_a_series_has_the_bounds_of_its_metric() -> None:
    inside = estimate(COLLAPSED, bounds=(0.0, 1.0)).interval

    assert series_estimate("val_min_recall", COLLAPSED, alpha=0.05).interval == inside
    assert series_estimate("train_recall_majority", COLLAPSED, alpha=0.05).interval == inside
    assert series_estimate("train_recall_ratio", COLLAPSED, alpha=0.05).scale == "identity"
    assert series_estimate("train_loss", COLLAPSED, alpha=0.05).scale == "identity"


def test_a_rounding_error_beyond_a_bound_is_none() -> None:
    assert metric_estimate("accuracy", [1 + 1e-15, 1 + 1e-15], alpha=0.05).mean == 1.0


def test_a_value_outside_the_declared_bounds_is_an_error() -> None:
    with pytest.raises(
        ReportError, match=r"accuracy: the value 1.5 lies outside its bounds \[0, 1"
    ):
        metric_estimate("accuracy", [0.9, 1.5], alpha=0.05)
