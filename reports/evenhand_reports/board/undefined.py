"""The reason why a metric has no value on a record that is whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evenhand.declared.data_sentences import SPLITS
from evenhand.declared.record import DataSummary, Record, Rule, Split
from evenhand.declared.registry import REGISTRY
from evenhand.metrics import is_of_logits, version_of

MOST_NAMES = 4


def why_undefined(metric: str, record: Record, split: Split, rule: Rule) -> str:
    """`the problem has no groups`; "" where there is no evaluation."""
    evaluation, data = record.evaluation(split, rule), record.data
    if evaluation is None or data is None:
        return ""
    facts = REGISTRY.get("metric", metric).facts
    settings = record.trial.method.settings
    if is_of_logits(metric):
        return _why_unscored(metric, record, evaluation.counts.sum(2).T)
    lacking = [name for name in facts.get("reads", ()) if settings.get(name) is None]
    if lacking:
        return f"the method has no setting {lacking[0]}"
    if len(data.groups) < 2 and facts.get("compares") == "groups":
        return "the problem has no groups"
    absent = _absent(data, evaluation.counts.sum(2).T)
    if absent:
        return f"no {SPLITS[split]} example of {_listed(absent)}"
    return f"a quotient is 0/0 on the {SPLITS[split]} split"


def _why_unscored(metric: str, record: Record, sizes: np.ndarray) -> str:
    assert record.data is not None
    if record.scored.get(metric) != version_of(metric):
        return "it was not computed; `evenhand run` does that, without training if logits were kept"
    if record.unscored:
        return record.unscored
    classes = [n for n, size in zip(record.data.classes, sizes.sum(1), strict=True) if not size]
    return f"no example of {_listed(classes)}" if classes else "its value is not finite"


def _absent(data: DataSummary, sizes: np.ndarray) -> list[str]:
    """Classes without an example in the split; without such classes, cells of class and group."""
    classes = [name for name, n in zip(data.classes, sizes.sum(1), strict=True) if not n]
    if classes or len(data.groups) < 2:
        return classes
    # A combination that the training set lacks as well is often none of the problem.
    empty = sizes == 0
    trained = empty & (data.train_counts > 0)
    cells = np.argwhere(trained if trained.any() else empty)
    return [f"{data.classes[label]} in {data.groups[group]}" for label, group in cells]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
