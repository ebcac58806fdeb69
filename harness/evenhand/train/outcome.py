"""How training ends, and what is told of it on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evenhand.declared.record import Cost, Evaluation
from evenhand.declared.trial import Kept


@dataclass(frozen=True)
class Outcome:
    """What training leaves for the record; of a trial that did not end well, curves and cost.

    kept holds arrays by name, for trials that read them.
    """

    evaluations: tuple[Evaluation, ...] = ()
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    kept: dict[Kept, dict[str, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far a trial is; score is the recipe's `best_by` on validation data, if there is any."""

    epoch: int
    epochs: int
    score: float | None


class Ended(Exception):  # noqa: N818  an outcome, not a fault
    """Training ended before its last epoch; `outcome` is what there was by then."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.outcome = Outcome()


class Diverged(Ended):
    """A loss or a logit that is not finite. step and epoch are 1-based."""

    def __init__(self, what: str, *, step: int, epoch: int) -> None:
        super().__init__(f"{what} is not finite at step {step}, epoch {epoch}")
        self.step, self.epoch = step, epoch


class TimeUp(Ended):
    """The trial's time limit has passed."""

    def __init__(self) -> None:
        super().__init__("the time limit has passed")


class Stopped(Ended):
    """Somebody asked for the trial to stop."""

    def __init__(self) -> None:
        super().__init__("the run was stopped")
