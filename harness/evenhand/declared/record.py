"""What a trial left: its spec, how it ended, evaluations, curves, cost and provenance."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from jaxtyping import Int
from pydantic import Field

from evenhand.declared.base import Spec
from evenhand.declared.trial import Kept, Trial

Status = Literal["done", "diverged", "failed", "interrupted"]
Split = Literal["val", "test"]
Rule = Literal["last", "best-val", "best-test"]
FORMAT: Literal[1] = 1
RULES: tuple[Rule, ...] = ("last", "best-val", "best-test")


class Evaluation(Spec):
    """counts[group, label, prediction] on one split at one checkpoint rule.

    Stored sparse: `cells` are the flat indices of the entries that are not zero, `n` their values.
    epoch is 1-based: how many epochs the evaluated network was trained for.
    """

    split: Split
    rule: Rule
    epoch: int
    shape: tuple[int, int, int]
    cells: tuple[int, ...]
    n: tuple[int, ...]

    @classmethod
    def of(
        cls,
        counts: Int[np.ndarray, "groups labels labels"],
        *,
        split: Split,
        rule: Rule,
        epoch: int,
    ) -> Self:
        flat = counts.ravel()
        cells = np.flatnonzero(flat)
        shape = (int(counts.shape[0]), int(counts.shape[1]), int(counts.shape[2]))
        return cls(
            split=split,
            rule=rule,
            epoch=epoch,
            shape=shape,
            cells=tuple(cells.tolist()),
            n=tuple(flat[cells].tolist()),
        )

    @cached_property
    def counts(self) -> Int[np.ndarray, "groups labels labels"]:
        flat = np.zeros(int(np.prod(self.shape)), dtype=np.int64)
        flat[list(self.cells)] = self.n
        return flat.reshape(self.shape)


class Exit(Spec):
    """How a trial ended. step and epoch (1-based) say where, for what diverged."""

    status: Status
    cause: str = ""
    step: int | None = None
    epoch: int | None = None
    traceback: str = ""


class Cost(Spec):
    """What a trial took. Memory is the peak of the process, and of the GPU's tensors."""

    seconds: float = 0.0
    train_seconds: float = 0.0
    eval_seconds: float = 0.0
    images_per_second: float | None = None
    peak_memory_gib: float | None = None
    peak_gpu_memory_gib: float | None = None
    parameters: int | None = None


class DataSummary(Spec):
    """What was trained and evaluated on.

    fingerprint  SHA-256 of the kept indices, labels, groups and image bytes of every split
    train        [classes][groups] counts of the training set
    source       digest of the whole data set before any split, where its files may change under one
                 name
    """

    fingerprint: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    train: tuple[tuple[int, ...], ...]
    n_val: int
    n_test: int
    source: str | None = None

    @cached_property
    def train_counts(self) -> Int[np.ndarray, "classes groups"]:
        return np.asarray(self.train, dtype=np.int64)


class Provenance(Spec):
    """Where and with what a trial ran. Times are UTC in ISO 8601.

    precision            what the network computed in
    pack                 trials that could share the process, and with it the time that each took
    resumed_after_epoch  epochs that an earlier attempt had done; None: this one began anew
    """

    started: str = ""
    finished: str = ""
    suite: str = ""
    command: str = ""
    commit: str | None = None
    dirty: bool | None = None
    versions: dict[str, str] = {}
    host: str = ""
    cpu: str = ""
    gpu: str | None = None
    driver: str | None = None
    device: str = "cpu"
    threads: int = 1
    precision: str = "fp32"
    compiled: bool = False
    pack: int = 1
    resumed_after_epoch: int | None = None


class Record(Spec):
    """What a trial left; written last and by rename, so a record that exists is whole.

    curves holds one list per series, all as long as curves["epoch"]; None where a value was not
    finite. attempts counts the tries so far, this one included. kept says what lies beside the
    record for other trials to read.
    """

    format: Literal[1] = 1
    key: str
    trial: Trial
    exit: Exit
    attempts: Annotated[int, Field(ge=1)] = 1
    evaluations: tuple[Evaluation, ...] = ()
    curves: dict[str, list[float | None]] = {}
    cost: Cost = Cost()
    data: DataSummary | None = None
    provenance: Provenance = Provenance()
    kept: tuple[Kept, ...] = ()

    def evaluation(self, split: Split, rule: Rule) -> Evaluation | None:
        """The one evaluation of a split at a rule, or None where there is none."""
        return next((e for e in self.evaluations if (e.split, e.rule) == (split, rule)), None)
