"""Synthetic records in the form that a run writes, for tests of the store and the reports.

    make_record(method="vs", settings={"tau": 1.25}, seed=3, accuracy=0.71)
    make_record(status="failed")                        # no evaluations, no curves
    make_record(counts=np.eye(3, dtype=int)[None] * 50) # every evaluation has these counts

One call takes a millisecond or two; the same arguments give the same record.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import JsonValue

from evenhand.declared.base import Part, canonical
from evenhand.declared.labels import PredictionCounts
from evenhand.declared.recipe import Recipe
from evenhand.declared.record import (
    Cost,
    DataSummary,
    Evaluation,
    Exit,
    Provenance,
    Record,
    Rule,
    Split,
    Status,
)
from evenhand.declared.trial import STREAMS, Problem, Stream, Trial, Val

Place = tuple[Split, Rule]

PLACES: tuple[Place, ...] = (
    ("val", "last"),
    ("val", "best-val"),
    ("test", "last"),
    ("test", "best-val"),
    ("test", "best-test"),
)
CURVES = ("train_loss", "train_accuracy", "val_accuracy", "test_accuracy", "lr")


def make_record(
    *,
    trial: Trial | None = None,
    status: Status = "done",
    attempts: int = 1,
    seconds: float = 321.5,
    accuracy: float | Sequence[float] = 0.8,
    counts: PredictionCounts | Mapping[Place, PredictionCounts] | None = None,
    places: Sequence[Place] = PLACES,
    train: Sequence[Sequence[int]] | None = None,
    classes: int = 10,
    groups: int = 1,
    per_class: int = 100,
    fingerprint: str | None = None,
    provenance: Mapping[str, Any] | None = None,
    **declared: Any,
) -> Record:
    """A valid record; `declared` goes to `make_trial` where no trial is given.

    accuracy     recall of every class, or one recall a class; best-test is a little better
    counts       instead of accuracy: for all places alike, or by (split, rule); the data have
                 their classes and groups
    places       the (split, rule) pairs that have an evaluation
    per_class    evaluated examples of each (label, group) cell
    train        [classes][groups] training counts; else they follow the problem's ratio
    fingerprint  of the data; else one that depends on the problem and the seed alone
    """
    trial = trial or make_trial(**declared)
    by_place = _by_place(counts, places, accuracy=accuracy, shape=(groups, classes), n=per_class)
    for made in by_place.values():
        groups, classes = np.shape(made)[:2]
    data = make_data(trial, classes=classes, groups=groups, per_class=per_class, train=train)
    if fingerprint is not None:
        data = data.model_copy(update={"fingerprint": fingerprint})
    is_done = status == "done"
    return Record(
        key=trial.key,
        trial=trial,
        exit=_exit(status),
        attempts=attempts,
        evaluations=_evaluations(by_place, trial.recipe.epochs) if is_done else (),
        curves=make_curves(trial) if is_done else {},
        cost=_cost(seconds),
        data=data,
        provenance=Provenance(**{**PROVENANCE, **(provenance or {})}),
    )


def make_trial(
    *,
    method: str = "erm",
    settings: dict[str, JsonValue] | None = None,
    method_version: int = 1,
    problem: str | Problem = "cifar10",
    profile: str = "exp",
    ratio: float | None = 100,
    val: Val | None = None,
    recipe: str | Recipe = "resnet32-40ep",
    epochs: int = 40,
    seed: int = 0,
    vary: tuple[Stream, ...] = STREAMS,
) -> Trial:
    """A trial; `problem` is a whole `Problem` or a dataset's name, `recipe` whole or a name."""
    if isinstance(problem, str):
        shape: dict[str, JsonValue] = {} if ratio is None else {"ratio": ratio}
        problem = Problem(
            dataset=Part(name=problem),
            profile=Part(name=profile, settings=shape),
            val=val or Val(fraction=0.2),
        )
    if isinstance(recipe, str):
        recipe = make_recipe(recipe, epochs)
    part = Part(name=method, version=method_version, settings=settings or {})
    return Trial(problem=problem, method=part, recipe=recipe, seed=seed, vary=vary)


def make_recipe(name: str, epochs: int) -> Recipe:
    steps: dict[str, JsonValue] = {"at": [0.8, 0.9], "factor": 0.01}
    return Recipe(
        name=name,
        backbone=Part(name="resnet32"),
        epochs=epochs,
        schedule=Part(name="steps", settings=steps),
        augment=(Part(name="crop", settings={"pad": 4}), Part(name="flip")),
    )


def make_counts(
    recall: float | Sequence[float], *, classes: int = 10, groups: int = 1, per_class: int = 100
) -> PredictionCounts:
    """Counts with this recall of each class; what is missed goes to the next three classes."""
    recalls = [recall] * classes if isinstance(recall, (int, float)) else list(recall)
    counts = np.zeros((groups, classes, classes), dtype=np.int64)
    for label, right in enumerate(recalls):
        correct = min(per_class, max(0, round(right * per_class)))
        counts[:, label, label] += correct
        for miss in range(per_class - correct):
            counts[:, label, (label + 1 + miss % 3) % classes] += 1
    return counts


def make_curves(trial: Trial) -> dict[str, list[float | None]]:
    """Six series that fall or rise smoothly, in all digits, as measured ones would."""
    epochs = range(1, trial.recipe.epochs + 1)
    curves: dict[str, list[float | None]] = {"epoch": [float(epoch) for epoch in epochs]}
    for i, name in enumerate(CURVES):
        speed = 3.0 + i + trial.seed % 7
        curves[name] = [math.exp(-speed * epoch / len(epochs)) for epoch in epochs]
    return curves


def make_data(
    trial: Trial,
    *,
    classes: int,
    groups: int,
    per_class: int,
    train: Sequence[Sequence[int]] | None = None,
) -> DataSummary:
    """What the trial saw; problems and seeds differ in their fingerprint, methods do not."""
    seed = trial.seed if "subset" in trial.vary or "split" in trial.vary else 0
    text = f"{canonical(trial.problem)} {seed}"
    ratio = float(str(trial.problem.profile.settings.get("ratio", 1)))
    falling = [round(5000 * ratio ** (-c / max(1, classes - 1))) for c in range(classes)]
    return DataSummary(
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        classes=tuple(f"class {c}" for c in range(classes)),
        groups=tuple(f"group {g}" for g in range(groups)),
        train=tuple(tuple(row) for row in (train or [[n] * groups for n in falling])),
        n_val=classes * groups * per_class,
        n_test=classes * groups * per_class,
    )


PROVENANCE: dict[str, Any] = {
    "started": "2025-03-01T09:00:00Z",
    "finished": "2025-03-01T09:05:21Z",
    "suite": "cifar-lt",
    "command": "evenhand run suites/cifar-lt.yaml",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "dirty": False,
    "versions": {"python": "3.11.7", "torch": "2.9.0", "numpy": "2.3.0", "evenhand": "0.1.0"},
    "host": "node-1",
    "cpu": "AMD EPYC 9654",
    "gpu": "NVIDIA H100",
    "driver": "570.00",
    "device": "cuda",
    "threads": 4,
}


def _by_place(
    counts: PredictionCounts | Mapping[Place, PredictionCounts] | None,
    places: Sequence[Place],
    *,
    accuracy: float | Sequence[float],
    shape: tuple[int, int],
    n: int,
) -> dict[Place, PredictionCounts]:
    if isinstance(counts, Mapping):
        return dict(counts)
    if counts is not None:
        return dict.fromkeys(places, counts)
    groups, classes = shape
    recalls = [accuracy] * classes if isinstance(accuracy, (int, float)) else list(accuracy)

    def at(rule: Rule) -> PredictionCounts:
        lift = 0.01 if rule == "best-test" else 0.0
        lifted = [recall + lift for recall in recalls]
        return make_counts(lifted, classes=classes, groups=groups, per_class=n)

    return {(split, rule): at(rule) for split, rule in places}


def _evaluations(by_place: Mapping[Place, PredictionCounts], epochs: int) -> tuple[Evaluation, ...]:
    def epoch(rule: Rule) -> int:
        return epochs if rule == "last" else max(1, epochs - 1)

    return tuple(
        Evaluation.of(np.asarray(counts), split=split, rule=rule, epoch=epoch(rule))
        for (split, rule), counts in by_place.items()
    )


def _exit(status: Status) -> Exit:
    if status == "done":
        return Exit(status=status)
    causes = {"diverged": "loss is not finite", "failed": "ValueError: made up"}
    return Exit(status=status, cause=causes.get(status, "stopped"), step=17, epoch=2)


def _cost(seconds: float) -> Cost:
    return Cost(
        seconds=seconds,
        train_seconds=0.9 * seconds,
        eval_seconds=0.1 * seconds,
        images_per_second=12_345.6,
        peak_memory_gib=2.5,
        peak_gpu_memory_gib=1.25,
        reserved_gpu_memory_gib=1.5,
        parameters=464_154,
    )
