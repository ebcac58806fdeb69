"""The result of training, progress reports during it, and the exceptions that end it early."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evenhand.declared.course import StageCourse
from evenhand.declared.record import Cost, Evaluation
from evenhand.declared.trial import Kept


@dataclass(frozen=True)
class TrainingResult:
    """Results of training that enter the record.

    A trial that ended early has no evaluations and no arrays.
    """

    evaluations: tuple[Evaluation, ...] = ()
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    kept: dict[Kept, dict[str, np.ndarray]] = field(default_factory=dict)
    """Arrays by name that other trials read, such as logits."""
    stages: tuple[StageCourse, ...] = ()
    """Course of each stage that has begun."""


@dataclass(frozen=True)
class Progress:
    """Epochs that a trial has finished, and its latest validation score."""

    epoch: int
    epochs: int
    score: float | None
    """The recipe's metric `best_by` on validation data; None where there is no such data."""


class TrainingEnded(Exception):  # noqa: N818  an outcome, not a fault
    """Training ended before its last epoch."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.result = TrainingResult()
        """Results up to the moment at which training ended."""


class Diverged(TrainingEnded):
    """A loss or a logit is not finite."""

    def __init__(self, what: str, *, step: int, epoch: int) -> None:
        """`step` and `epoch` are counted from 1."""
        super().__init__(f"{what} is not finite at step {step}, epoch {epoch}")
        self.step, self.epoch = step, epoch


class TimeLimitReached(TrainingEnded):
    """The trial's time limit has passed."""

    def __init__(self) -> None:
        super().__init__("the time limit has passed")


class Stopped(TrainingEnded):
    """The run of the suite was stopped while the trial trained."""

    def __init__(self) -> None:
        super().__init__("the run was stopped")
