"""Records: the resolved trial, status, evaluations, curves, cost and provenance.

A record is validated as a whole, so that no report meets counts that contradict their shape.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Literal, Self

import numpy as np
from jaxtyping import Int
from pydantic import Field, WrapSerializer, model_validator

from evenhand.declared.base import Spec
from evenhand.declared.course import StageCourse
from evenhand.declared.trial import Kept, Trial

Status = Literal["done", "diverged", "failed", "interrupted"]
Split = Literal["val", "test"]
Rule = Literal["last", "best-val", "best-test"]
FORMAT: Literal[1] = 1
RULES: tuple[Rule, ...] = ("last", "best-val", "best-test")
Count = Annotated[int, Field(ge=0, le=1 << 40)]
"""A number of examples, of which sums fit into 64 bits."""
Seconds = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
"""A time, of which sums are finite; a difference of clocks may be below 0."""
Counts = Annotated[tuple[Count, ...], WrapSerializer(lambda held, dump: dump(tuple(held)))]
"""Numbers of examples; a report holds them as another sequence, which takes less memory."""
Curve = Annotated[list[float | None], WrapSerializer(lambda held, dump: dump([*held]))]
"""A series, None where a value was not finite; a report holds it as another sequence, too."""
MOST_COUNTS = 1 << 32
"""Most counts of an evaluation, zeros included: 65,536 classes without groups."""


class Evaluation(Spec):
    """Counts by group, label and prediction on one split at one checkpoint rule, stored sparse.

    >>> import numpy as np
    >>> seen = Evaluation.of(np.array([[[8, 2], [1, 9]]]), split="test", rule="last", epoch=30)
    >>> seen.counts.sum(), seen.cells, seen.n
    (np.int64(20), (0, 1, 2, 3), (8, 2, 1, 9))
    """

    split: Split
    """Split of the evaluated images."""
    rule: Rule
    """Checkpoint rule that chose the network."""
    epoch: Count
    """Number of epochs that the network was trained for."""
    shape: tuple[Count, Count, Count]
    """Groups, labels and predictions."""
    cells: Counts
    """Flat indices of the counts that are not 0."""
    n: Counts
    """The counts at these indices."""
    scores: dict[str, float | None] = {}
    """Metrics of logits by name, None where undefined; computed where the suite names them."""

    @model_validator(mode="after")
    def _fits_its_shape(self) -> Self:
        size = math.prod(self.shape)
        if size > MOST_COUNTS:
            raise ValueError(f"the shape {self.shape} has more than {MOST_COUNTS:,} counts")
        if len(self.cells) != len(self.n):
            raise ValueError(f"{len(self.cells)} cells have {len(self.n)} counts")
        if len(set(self.cells)) < len(self.cells) or max(self.cells, default=-1) >= size:
            raise ValueError(f"the cells are not distinct indices below {size:,}")
        return self

    @classmethod
    def of(
        cls,
        counts: Int[np.ndarray, "groups labels labels"],
        *,
        split: Split,
        rule: Rule,
        epoch: int,
    ) -> Self:
        """The evaluation with these counts [groups, labels, predictions]."""
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

    @property
    def counts(self) -> Int[np.ndarray, "groups labels labels"]:
        """The counts [groups, labels, predictions] as an array.

        It is made at each call: with 1,000 classes it has 8 MB, and a report has thousands of
        evaluations.
        """
        flat = np.zeros(math.prod(self.shape), dtype=np.int64)
        flat[np.asarray(self.cells, dtype=np.int64)] = self.n
        return flat.reshape(self.shape)


class Exit(Spec):
    """End of a trial: status, cause and place."""

    status: Status
    """Done, or why not."""
    cause: str = ""
    """The error in one line; empty for a trial that is done."""
    step: int | None = None
    """1-based step at which the loss diverged."""
    epoch: int | None = None
    """1-based epoch at which the loss diverged."""
    traceback: str = ""
    """Traceback of the error."""


class Cost(Spec):
    """Time and memory of a trial."""

    seconds: Seconds = 0.0
    """Time of the trial in all."""
    train_seconds: Seconds = 0.0
    """Time of training."""
    eval_seconds: Seconds = 0.0
    """Time of evaluation."""
    gpu_seconds: Seconds | None = None
    """GPU time of all attempts, with the share of a GPU that was granted; None: not recorded."""
    core_seconds: Seconds | None = None
    """Time of CPU cores of all attempts, as granted; None: not recorded."""
    images_per_second: float | None = None
    """Training images processed in a second."""
    peak_memory_gib: float | None = None
    """Peak memory of the process."""
    peak_gpu_memory_gib: float | None = None
    """Peak memory of the tensors on the GPU."""
    reserved_gpu_memory_gib: float | None = None
    """Peak memory that PyTorch took on the GPU; None where other trials shared the process."""
    parameters: int | None = None
    """Number of parameters of the network."""


class DataReading(Spec):
    """Reading of a user's own files: the columns that were used, and what was done to them."""

    features: tuple[str, ...] = ()
    """Columns of features, in the order of the network's input."""
    left_out: dict[str, str] = {}
    """Columns that are no features, each with the reason."""
    notes: tuple[str, ...] = ()
    """Sentences on what was done, such as "160 images of 40 × 40 were resized to 16 × 16"."""


class SharedExamples(Spec):
    """Examples of one split whose content stands in another split, too."""

    split: Literal["val", "test"]
    """Split of the examples."""
    other: Literal["train", "val"]
    """Split in which they stand, too."""
    n: int
    """Number of the examples of `split`."""
    relabelled: int = 0
    """Number of those that have another label in `other`."""


class DataSummary(Spec):
    """Data of a trial: fingerprint, names and sizes."""

    fingerprint: str
    """SHA-256 of the kept indices, labels, groups and image bytes of every split."""
    classes: tuple[str, ...]
    """Names of the classes."""
    groups: tuple[str, ...]
    """Names of the groups."""
    train: tuple[tuple[Count, ...], ...]
    """Counts of the training set, [classes][groups]."""
    n_val: Count
    """Number of validation images."""
    n_test: Count
    """Number of test images."""
    source: str | None = None
    """Digest of the data set before any split, for files that can change under one name."""
    reading: DataReading | None = None
    """Reading of the files; None for a data set of a fixed form."""
    shared: tuple[SharedExamples, ...] = ()
    """Exact duplicates between the splits; empty where there are none."""
    folds: int | None = None
    """Number of folds of a cross-validation, in which the seed chooses the fold that is tested."""

    @model_validator(mode="after")
    def _counts_every_cell(self) -> Self:
        n, groups = len(self.train), {len(row) for row in self.train}
        if n != len(self.classes) or groups - {len(self.groups)}:
            raise ValueError(
                f"the training counts are those of {n} classes and {sorted(groups)} groups, "
                f"beside {len(self.classes)} classes and {len(self.groups)} groups"
            )
        return self

    @cached_property
    def train_counts(self) -> Int[np.ndarray, "classes groups"]:
        """Counts of the training set [classes, groups] as an array."""
        return np.asarray(self.train, dtype=np.int64)


class Provenance(Spec):
    """Code, environment and machine of a trial."""

    started: str = ""
    """Start of the trial, UTC in ISO 8601."""
    finished: str = ""
    """End of the trial, UTC in ISO 8601."""
    suite: str = ""
    """Name of the suite that was run."""
    command: str = ""
    """Command line of the run."""
    commit: str | None = None
    """Commit of the code."""
    dirty: bool | None = None
    """Whether the working tree had changes beyond that commit."""
    versions: dict[str, str] = {}
    """Versions of Python and of the packages, by name."""
    host: str = ""
    """Name of the machine."""
    cpu: str = ""
    """Model of the CPU."""
    gpu: str | None = None
    """Model of the GPU."""
    driver: str | None = None
    """Version of the GPU's driver."""
    device: str = "cpu"
    """PyTorch device of the training."""
    threads: int = 1
    """Number of CPU threads."""
    precision: str = "fp32"
    """Precision in which the network computed."""
    compiled: bool = False
    """Whether the training step was compiled."""
    pack: int = 1
    """Number of trials that could share the process, which lengthens the time of each."""
    resumed_after_epoch: int | None = None
    """Epochs that an earlier attempt had trained; None if training started from the beginning."""


class Record(Spec):
    """Result of a trial. It is written last and by rename, so that a record is always complete.

    >>> import evenhand as eh
    >>> trial = next(iter(eh.open_suite("quickstart").trials.values()))
    >>> record = Record(key=trial.key, trial=trial, exit=Exit(status="failed", cause="a full disk"))
    >>> record.evaluation("test", "last") is None
    True
    """

    format: Literal[1] = 1
    """Version of the format."""
    key: str
    """Key of the trial."""
    trial: Trial
    """The resolved trial, with all defaults."""
    exit: Exit
    """Status at the end of the trial, with its cause."""
    attempts: Annotated[int, Field(ge=1)] = 1
    """Number of attempts, this one included."""
    evaluations: tuple[Evaluation, ...] = ()
    """Counts on each split at each checkpoint rule."""
    curves: dict[str, Curve] = {}
    """Series by name, each as long as `curves["epoch"]`; None where a value was not finite."""
    stages: tuple[StageCourse, ...] = ()
    """Course of each stage that has begun; empty in records of earlier versions."""
    changed: int | None = None
    """Test images whose prediction a post-hoc method changed at the last epoch."""
    cost: Cost = Cost()
    """Time and memory."""
    data: DataSummary | None = None
    """Data that the trial was trained and evaluated on."""
    provenance: Provenance = Provenance()
    """Code, environment and machine."""
    kept: tuple[Kept, ...] = ()
    """Files beside the record that other trials read."""
    digests: dict[str, str] = {}
    """SHA-256 of each file beside the record, by name; none in records of earlier versions."""
    scored: dict[str, str] = {}
    """Version of the code of each metric of logits that the evaluations hold."""
    unscored: str = ""
    """Reason why the trial has no class probabilities; "" where it has them."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        places = [(each.split, each.rule) for each in self.evaluations]
        if len(set(places)) < len(places):
            raise ValueError("two evaluations are of the same split and checkpoint rule")
        if self.evaluations and self.data is None:
            raise ValueError("it has evaluations and no data")
        if self.data is not None:
            n = len(self.data.classes)
            shape = (len(self.data.groups), n, n)
            other = [each.shape for each in self.evaluations if each.shape != shape]
            if other:
                raise ValueError(f"counts of the shape {other[0]} are not those of {shape}")
        epochs = self.curves.get("epoch", [])
        if None in epochs or any(len(s) != len(epochs) for s in self.curves.values()):
            raise ValueError("its curves are not as long as its epochs")
        return self

    def evaluation(self, split: Split, rule: Rule) -> Evaluation | None:
        """The evaluation on a split at a checkpoint rule; None if there is none."""
        return next((e for e in self.evaluations if (e.split, e.rule) == (split, rule)), None)
