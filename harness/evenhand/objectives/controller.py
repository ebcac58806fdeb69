"""Updates of Lagrange multipliers on held-out data, for cost-sensitive learning.

Algorithms 1 and 2 of narasimhan2021training: every few steps of the optimiser, estimate C on
held-out data, update λ, and set the gains G(λ) of the loss. λ depends on held-out data only, and
the weights are trained on training data only (the "two-dataset trick"). One class serves both
algorithms, because the objective defines the update of λ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.controller import Iterate
from evenhand.declared.labels import Labels, PredictionCounts, TrainingCounts
from evenhand.declared.loss import BoundLoss, Loss
from evenhand.errors import Mistake, SpecError
from evenhand.objectives.goals import Multipliers
from evenhand.objectives.objective import BoundObjective
from evenhand.objectives.parse import parse
from evenhand.objectives.rates import Confusion, normalised


@runtime_checkable
class TakesGains(Protocol):
    """A bound loss whose gains can be set."""

    def set_gains(self, gains: np.ndarray) -> None:
        """Set the gains [classes, classes], or [groups, classes, classes]."""
        ...


@runtime_checkable
class CostSensitiveLoss(Protocol):
    """Declaration of a loss for a gain matrix."""

    def parts(self, gains: np.ndarray, counts: np.ndarray) -> Any:
        """Vectors of the loss. Raises `SpecError` for gains that it does not support."""
        ...


@dataclass(frozen=True)
class MultiplierUpdates:
    """Updates of λ: dual ascent for constraints, exponentiated gradient for a minimum of rates."""

    maximize: str
    """The goal, as text."""
    subject_to: tuple[str, ...] = ()
    """The constraints, as text."""
    every: int = 32
    """Steps of the optimiser between two updates."""
    step: float = 0.1
    """Step size: factor of the rates in the exponent, and factor of the slacks of constraints."""
    iterate: Iterate = "last"
    """Network that is evaluated, as in `Controller`."""

    def check(self, loss: Loss, labels: Labels) -> None:
        """Check objective and loss. Raises `SpecError` for gains that the loss does not support."""
        objective = parse(self.maximize, self.subject_to, labels.classes)
        if not isinstance(loss, CostSensitiveLoss):
            what = f"the loss {type(loss).__name__} has no gain matrix"
            raise SpecError([Mistake(what, (), "use a cost-sensitive loss")])
        bound = objective.bind_to_labels(labels)
        if bound is not None:
            _try_gains(bound, loss, labels)

    def bind(
        self,
        loss: BoundLoss,
        counts: TrainingCounts,
        shares: Float[np.ndarray, "classes groups"],
        *,
        classes: Sequence[str],
        groups: Sequence[str],
    ) -> BoundMultipliers:
        """The multipliers before the first update."""
        assert isinstance(loss, TakesGains), "checked with the suite"
        written = parse(self.maximize, self.subject_to, classes)
        objective = written.bind(counts, classes, groups)
        return BoundMultipliers(self, objective, loss, shares, objective.names(), objective.start())


@dataclass
class BoundMultipliers:
    """Multipliers for one training set, with their current values."""

    spec: MultiplierUpdates
    """The declaration."""
    objective: BoundObjective
    """The objective for the training set."""
    loss: TakesGains
    """The loss whose gains are set."""
    shares: Float[np.ndarray, "classes groups"]
    """Priors by which the gains divide."""
    names: tuple[str, ...]
    """Name of each multiplier."""
    multipliers: Multipliers
    """λ."""
    estimate: Confusion | None = None
    """C of the last held-out counts."""

    def update(self, predicted: PredictionCounts) -> None:
        """Update λ by held-out counts, and set the gains of the loss."""
        self.estimate = normalised(predicted)
        self.multipliers = self.objective.update(self.multipliers, self.estimate, self.spec.step)
        self._set()

    def merit(self, predicted: PredictionCounts) -> tuple[float, float]:
        """The largest violation of a constraint, as a negative number, then the objective."""
        confusion = normalised(predicted)
        short = min(0.0, float(self.objective.slacks(confusion).min(initial=0.0)))
        return short, self.objective.value(confusion)

    def curves(self) -> dict[str, float]:
        """λ, the violation of each constraint, and the objective at the last estimate."""
        if self.estimate is None:
            return {}
        slacks = self.objective.slacks(self.estimate)
        bounds = self.names[len(self.names) - slacks.size :]
        found = {"objective": self.objective.value(self.estimate)}
        found |= {
            f"multiplier {name}": float(v)
            for name, v in zip(self.names, self.multipliers, strict=True)
        }
        found |= {
            f"violation {name}": max(0.0, -float(v)) for name, v in zip(bounds, slacks, strict=True)
        }
        return found

    def values(self) -> dict[str, Float[np.ndarray, " multipliers"]]:
        """λ."""
        return {"multipliers": np.array(self.multipliers)}

    def state(self) -> dict[str, Any]:
        """λ and C, as lists."""
        seen = None if self.estimate is None else self.estimate.tolist()
        return {"multipliers": self.multipliers.tolist(), "estimate": seen}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state, and set the gains of the loss."""
        self.multipliers = np.asarray(state["multipliers"], np.float64)
        self.estimate = None if state["estimate"] is None else np.asarray(state["estimate"])
        if self.estimate is not None:
            self._set()

    def _set(self) -> None:
        self.loss.set_gains(self.objective.gain(self.multipliers, self.shares, self.estimate))


def _try_gains(bound: BoundObjective, loss: CostSensitiveLoss, labels: Labels) -> None:
    """Check the form of the gains. Raises `SpecError` if the loss does not support it."""
    m, groups = labels.n_classes, labels.n_groups
    counts = np.repeat(np.arange(m, 0, -1)[:, None], groups, axis=1)
    guess = np.full((groups, m, m), 1 / (groups * m**2))
    # Close to the start: only the form of the gains is checked, not their size.
    multipliers = bound.start() + 1e-6
    loss.parts(bound.gain(multipliers, counts / counts.sum(), guess), counts)
