"""A post-hoc trial: from the logits that its parent kept to a record of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from evenhand.declared.record import RULES, Evaluation, Record, Rule, Split
from evenhand.declared.registry import REGISTRY
from evenhand.errors import RunError
from evenhand.execution.attachments import unpacked
from evenhand.posthoc import Outputs, Trained
from evenhand.store import Store


def mapped(record: Record, store: Store) -> Record:
    """The record with what the trial's map makes of its parent's network, at each of its rules.

    The map is fitted anew at each rule, on the validation logits of the network which that rule
    picks of the parent's. Raises `StoreError` where the parent kept no logits.
    """
    trial = record.trial
    assert trial.posthoc is not None
    assert trial.parent is not None
    parent = store.read(trial.parent.key)
    if parent.data is None:
        raise RunError(f"{trial.parent} has no data to read: it is {parent.exit.status}")
    arrays = unpacked(store, parent.key, "logits")
    posthoc = REGISTRY.make("posthoc", trial.posthoc)
    evaluations: list[Evaluation] = []
    for rule in RULES:
        there = parent.evaluation("test", rule)
        if there is None:
            continue
        seen = _outputs(arrays, there.epoch)
        trained = Trained(
            counts=parent.data.train_counts,
            classes=parent.data.classes,
            head_norms=arrays.get(f"{there.epoch}/head_norms"),
            head_bias=arrays.get(f"{there.epoch}/head_bias"),
        )
        predict = posthoc.fit(trained, seen.get("val"))
        evaluations += _evaluated(parent, seen, predict, rule=rule, epoch=there.epoch)
    found = {"evaluations": tuple(evaluations), "data": parent.data}
    return record.model_copy(update=found)


def _outputs(arrays: Mapping[str, np.ndarray], epoch: int) -> dict[Split, Outputs]:
    splits: tuple[Split, ...] = ("val", "test")
    return {
        split: Outputs(
            logits=arrays[f"{epoch}/{split}_logits"],
            labels=arrays[f"{split}_labels"],
            groups=arrays[f"{split}_groups"],
        )
        for split in splits
        if f"{epoch}/{split}_logits" in arrays
    }


def _evaluated(
    parent: Record,
    seen: Mapping[Split, Outputs],
    predict: Callable[[np.ndarray], np.ndarray],
    *,
    rule: Rule,
    epoch: int,
) -> list[Evaluation]:
    """Of the splits that the parent has at this rule."""
    assert parent.data is not None
    shape = (len(parent.data.groups), len(parent.data.classes), len(parent.data.classes))
    found = []
    for split, outputs in seen.items():
        if parent.evaluation(split, rule) is None:
            continue
        cells = np.ravel_multi_index(
            (outputs.groups, outputs.labels, predict(outputs.logits)), shape
        )
        counts = np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)
        found.append(Evaluation.of(counts, split=split, rule=rule, epoch=epoch))
    return found
