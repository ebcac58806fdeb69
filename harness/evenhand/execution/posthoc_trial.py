"""Post-hoc trials: a record from the logits that the parent kept, without training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from evenhand.declared.record import RULES, Evaluation, Record, Rule, Split
from evenhand.declared.registry import REGISTRY
from evenhand.errors import RunError
from evenhand.execution.attachments import DamagedArrays, read_logits
from evenhand.execution.scoring import outputs_at, with_scores
from evenhand.posthoc import Outputs, Trained
from evenhand.posthoc.outputs import ByLogits
from evenhand.store import Store


def apply_posthoc(record: Record, store: Store, metrics: Sequence[str] = ()) -> Record:
    """The record with the evaluations of the trial's post-hoc method, at each checkpoint rule.

    At each rule the method is fitted on the validation logits of the parent's network which that
    rule picks. `metrics` are the metrics of logits that the record will hold.

    Raises `DamagedArrays` where the parent's arrays are damaged or gone.
    """
    trial = record.trial
    assert trial.posthoc is not None
    assert trial.parent is not None
    parent = store.read(trial.parent.key)
    if parent.data is None:
        raise RunError(
            f"a post-hoc method needs the logits of its parent; {trial.parent} has none: its "
            f"status is {parent.exit.status}\n  run the suite with --retry-failed"
        )
    arrays = read_logits(store, parent)
    if any(name.endswith("/head_norms") for name in arrays):
        what = "an older Evenhand kept the last epoch's bias for the best epochs, too"
        raise DamagedArrays(parent, "logits", what)
    posthoc = REGISTRY.make("posthoc", trial.posthoc)
    evaluations: list[Evaluation] = []
    adjusted: dict[tuple[int, Split], Outputs] = {}
    changed: int | None = None
    for rule in RULES:
        there = parent.evaluation("test", rule)
        if there is None:
            continue
        seen = outputs_at(arrays, there.epoch)
        trained = Trained(
            counts=parent.data.train_counts,
            classes=parent.data.classes,
            head_norms=arrays.get(f"{there.epoch}/weight_norms"),
            head_bias=arrays.get(f"{there.epoch}/bias"),
        )
        predict = posthoc.fit(trained, seen.get("val"))
        made = _evaluated(parent, seen, predict, rule=rule, epoch=there.epoch)
        evaluations += made
        for evaluation in made if isinstance(predict, ByLogits) else ():
            outputs = seen[evaluation.split]
            adjusted[evaluation.epoch, evaluation.split] = replace(
                outputs, logits=predict.adjust(outputs.logits)
            )
        if rule == "last":
            logits = seen["test"].logits
            changed = int(np.sum(predict(logits) != logits.argmax(1)))
    found = {"evaluations": tuple(evaluations), "data": parent.data}
    found |= {"stages": parent.stages, "changed": changed}
    return with_scores(record.model_copy(update=found), adjusted, metrics)


def _evaluated(
    parent: Record,
    seen: Mapping[Split, Outputs],
    predict: Callable[[np.ndarray], np.ndarray],
    *,
    rule: Rule,
    epoch: int,
) -> list[Evaluation]:
    """Evaluations of the splits that the parent has at this rule."""
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
