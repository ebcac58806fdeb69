"""Multipliers that follow held-out data, and a cost-sensitive loss that follows the multipliers.

Algorithms 1 and 2 of narasimhan2021training: before every few steps of the optimiser on the
training set, estimate C on held-out data, move λ by it, and give the loss the gains G(λ). Held-out
data alone move λ, and training data alone the weights: the "two-dataset trick". Both algorithms are
one here, because what λ does is the objective's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import Labels, PredictionCounts, TrainingCounts
from evenhand.declared.method import BoundLoss, Iterate, Loss
from evenhand.errors import Mistake, SpecError
from evenhand.objectives.goals import Multipliers
from evenhand.objectives.objective import BoundObjective
from evenhand.objectives.parse import parse
from evenhand.objectives.rates import Confusion, normalised


@runtime_checkable
class TakesGains(Protocol):
    """A bound loss that takes gains."""

    def set_gains(self, gains: np.ndarray) -> None: ...


@runtime_checkable
class CostSensitiveLoss(Protocol):
    """A loss that says which gains it takes. Raises `SpecError` for others."""

    def parts(self, gains: np.ndarray, counts: np.ndarray) -> Any: ...


@dataclass(frozen=True)
class MultiplierUpdates:
    """λ after each estimate, the estimates `every` steps of the optimiser apart.

    step  of the update: in the exponent on the simplex, ahead of the slack for constraints
    """

    maximize: str
    subject_to: tuple[str, ...] = ()
    every: int = 32
    step: float = 0.1
    iterate: Iterate = "last"

    def check(self, loss: Loss, labels: Labels) -> None:
        """Raises `SpecError` for what is no objective, or has gains that the loss does not take."""
        objective = parse(self.maximize, self.subject_to, labels.classes)
        if not isinstance(loss, CostSensitiveLoss):
            what = f"{type(loss).__name__} takes no gains"
            raise SpecError([Mistake(what, (), "write a cost-sensitive loss")])
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
        """λ as it is before the first estimate."""
        assert isinstance(loss, TakesGains), "checked with the suite"
        written = parse(self.maximize, self.subject_to, classes)
        objective = written.bind(counts, classes, groups)
        return BoundMultipliers(self, objective, loss, shares, objective.names(), objective.start())


@dataclass
class BoundMultipliers:
    """λ on its way. estimate is C of the last held-out counts."""

    spec: MultiplierUpdates
    objective: BoundObjective
    loss: TakesGains
    shares: Float[np.ndarray, "classes groups"]
    names: tuple[str, ...]
    multipliers: Multipliers
    estimate: Confusion | None = None

    def update(self, predicted: PredictionCounts) -> None:
        """One update of λ, and the gains that follow from it."""
        self.estimate = normalised(predicted)
        self.multipliers = self.objective.update(self.multipliers, self.estimate, self.spec.step)
        self._set()

    def merit(self, predicted: PredictionCounts) -> tuple[float, float]:
        """The fewest points short of any constraint, then the objective."""
        confusion = normalised(predicted)
        short = min(0.0, float(self.objective.slacks(confusion).min(initial=0.0)))
        return short, self.objective.value(confusion)

    def curves(self) -> dict[str, float]:
        """λ by name, by how much each constraint is violated, and the objective, as estimated."""
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

    def state(self) -> dict[str, Any]:
        """λ and C, as lists: they are small."""
        seen = None if self.estimate is None else self.estimate.tolist()
        return {"multipliers": self.multipliers.tolist(), "estimate": seen}

    def restore(self, state: dict[str, Any]) -> None:
        """The inverse of `state`; the loss has its gains again."""
        self.multipliers = np.asarray(state["multipliers"], np.float64)
        self.estimate = None if state["estimate"] is None else np.asarray(state["estimate"])
        if self.estimate is not None:
            self._set()

    def _set(self) -> None:
        self.loss.set_gains(self.objective.gain(self.multipliers, self.shares, self.estimate))


def _try_gains(bound: BoundObjective, loss: CostSensitiveLoss, labels: Labels) -> None:
    """Raises `SpecError` where the loss does not take gains of this form, whatever their size."""
    m, groups = labels.n_classes, labels.n_groups
    counts = np.repeat(np.arange(m, 0, -1)[:, None], groups, axis=1)
    guess = np.full((groups, m, m), 1 / (groups * m**2))
    # Hardly off the start: how large λ becomes is for the training to say.
    multipliers = bound.start() + 1e-6
    loss.parts(bound.gain(multipliers, counts / counts.sum(), guess), counts)
