"""Series of a record over the epochs, with those of halves of the classes and their ratio."""

from __future__ import annotations

import numpy as np

from evenhand.declared.record import Record, Rule
from evenhand.suite.figures import HALVES, OF_CLASSES, RATIO, RECALL
from evenhand_reports.board.leaderboard import Leaderboard
from evenhand_reports.board.metric_estimate import series_estimate
from evenhand_reports.board.results import Result
from evenhand_reports.statistics.estimate import Estimate

Curve = list[float | None]


def record_series(record: Record, series: str) -> Curve | None:
    """A curve of the record, the mean over half of its classes, or the ratio of the halves.

    The ratio is undefined where the recall of the majority is 0.
    """
    if series == f"{RECALL}{RATIO}":
        majority, minority = (record_series(record, RECALL + half) for half in HALVES)
        if majority is None or minority is None:
            return None
        pairs = zip(majority, minority, strict=True)
        return [None if rare is None or not common else rare / common for common, rare in pairs]
    prefix = next((each for each in OF_CLASSES if series.startswith(each)), "")
    half = series.removeprefix(prefix)
    if not prefix or half not in HALVES or record.data is None:
        return record.curves.get(series)
    train = record.data.train_counts.sum(1)
    order = np.argsort(-train, kind="stable")
    size = len(order) // 2
    labels = order[:size] if half == HALVES[0] else order[len(order) - size :]
    curves = [record.curves.get(f"{prefix}{label}") for label in labels.tolist()]
    known = [curve for curve in curves if curve is not None]
    if not known or len(known) < size:
        return None
    return [None if None in point else float(np.mean(point)) for point in zip(*known, strict=True)]


def estimate_at(board: Leaderboard, result: Result, series: str, rule: Rule) -> Estimate | None:
    """The estimate over seeds of a series at the epoch of a checkpoint rule, if it has values."""
    found = [_value_at(record, series, rule) for record in result.usable_records]
    values = [value for value in found if value is not None]
    if not values:
        return None
    alpha, ratio = board.suite.alpha, result.test_ratio
    return series_estimate(series, values, alpha=alpha, test_ratio=ratio)


def _value_at(record: Record, series: str, rule: Rule) -> float | None:
    curve, evaluation = record_series(record, series), record.evaluation("test", rule)
    epochs = record.curves.get("epoch") or []
    if curve is None or evaluation is None or evaluation.epoch not in epochs:
        return None
    return curve[epochs.index(evaluation.epoch)]
