"""Metrics of logits in a record: computed once, when the logits are at hand.

A report reads records alone. The logits of 640 trials of CIFAR-100 have several gigabytes, which a
report would have to load from the store again and again.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evenhand.declared.method import Method
from evenhand.declared.record import Evaluation, Record, Split
from evenhand.declared.registry import REGISTRY
from evenhand.declared.trial import Trial
from evenhand.errors import EvenhandError, MetricError, StoreError
from evenhand.execution.attachments import DamagedArrays, count_as_not_kept, read_logits
from evenhand.metrics import Outputs, is_of_logits, score, version_of
from evenhand.store import Head, Store
from evenhand.suite.declaration import SuiteDeclaration
from evenhand.suite.primary import primary_places

ByPlace = Mapping[tuple[int, Split], Outputs]
"""Outputs by epoch and split."""

SPLITS: tuple[Split, ...] = ("val", "test")


def metrics_of_logits(suite: SuiteDeclaration) -> tuple[str, ...]:
    """The metrics of logits that a suite names, each once."""
    named = [*suite.metrics, *primary_places(suite).values()]
    named += [suite.select.by] if suite.select and suite.select.by else []
    return tuple(name for name in dict.fromkeys(named) if is_of_logits(name))


def lacks_scores(head: Head, metrics: Iterable[str]) -> bool:
    """Whether the record of a head lacks one of these metrics of logits, in its present version."""
    return any(head.scored.get(name) != version_of(name) for name in metrics)


def score_kept(store: Store, keys: Iterable[str], metrics: Sequence[str]) -> list[str]:
    """Add metrics of logits to finished records, from the logits that their trials kept.

    Records of methods without class probabilities get the reason, and no logits are read for it.
    Damaged logits count as not kept. Returns the causes why records could not be read or written.
    """
    causes = []
    for key in keys:
        try:
            _score_record(store, key, metrics)
        except StoreError as error:
            causes.append(f"no metrics of logits for a finished trial: {error}")
    return causes


def _score_record(store: Store, key: str, metrics: Sequence[str]) -> None:
    record = store.read(key)
    try:
        arrays = {} if without_probabilities(record.trial) else read_logits(store, record)
    except DamagedArrays as error:
        count_as_not_kept(store, error)
    else:
        store.replace(with_scores(record, outputs_of(record, arrays), metrics))


def outputs_of(record: Record, arrays: Mapping[str, np.ndarray]) -> ByPlace:
    """The kept outputs of a record's evaluations; those of an average of networks have none."""
    epochs = {evaluation.epoch for evaluation in record.evaluations}
    return {
        (epoch, split): seen
        for epoch in epochs
        for split, seen in outputs_at(arrays, epoch).items()
    }


def outputs_at(arrays: Mapping[str, np.ndarray], epoch: int) -> dict[Split, Outputs]:
    """The kept outputs of an epoch, by split."""
    return {
        split: Outputs(
            logits=arrays[f"{epoch}/{split}_logits"],
            labels=arrays[f"{split}_labels"],
            groups=arrays[f"{split}_groups"],
        )
        for split in SPLITS
        if f"{epoch}/{split}_logits" in arrays
    }


def with_scores(record: Record, found: ByPlace, metrics: Sequence[str]) -> Record:
    """The record with metrics of logits in its evaluations, or with the reason for their absence.

    Scores of other metrics that the record holds stay. Raises `MetricError` where a metric fails.
    """
    if not metrics or record.data is None:
        return record
    why = without_probabilities(record.trial) or ("" if found else NO_PROBABILITIES)
    train, settings = record.data.train_counts, record.trial.method.settings
    scores = {
        place: {name: _score(name, seen, train, settings) for name in metrics}
        for place, seen in ({} if why else found).items()
    }
    evaluations = tuple(_scored(each, scores, metrics) for each in record.evaluations)
    scored = record.scored | {name: version_of(name) for name in metrics}
    update = {"evaluations": evaluations, "scored": scored, "unscored": why}
    return record.model_copy(update=update)


def _score(
    name: str, seen: Outputs, train: np.ndarray, settings: Mapping[str, Any]
) -> float | None:
    try:
        return score(name, seen, train, settings)
    except EvenhandError:
        raise
    except (Exception, SystemExit) as error:
        # Foreign code: any exception becomes an error with its line.
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise MetricError(
            f"{last.filename}:{last.lineno}: the metric {name} fails: {type(error).__name__}: "
            f"{error}\n  correct it, and rerun the same command: what was trained is kept"
        ) from error


def _scored(
    evaluation: Evaluation,
    scores: Mapping[tuple[int, Split], dict[str, float | None]],
    metrics: Sequence[str],
) -> Evaluation:
    undefined: dict[str, float | None] = dict.fromkeys(metrics)
    of_place = scores.get((evaluation.epoch, evaluation.split), undefined)
    return evaluation.model_copy(update={"scores": evaluation.scores | of_place})


NO_PROBABILITIES = "the prediction has no logits whose softmax are its class probabilities"


def without_probabilities(trial: Trial) -> str:
    """The reason why the softmax of a method's logits are no class probabilities; "" for others."""
    method: Method = REGISTRY.make("method", trial.method)
    if method.head == "cosine":
        return "the head gives cosines, whose scale is in the loss, not in the logits"
    if not getattr(method.refit, "has_probabilities", True):
        return "the head is a support vector machine, whose scores are no logits of probabilities"
    return ""
