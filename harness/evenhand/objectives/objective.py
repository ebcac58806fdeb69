"""An objective: a goal, linear constraints on rates, and the Lagrangian that joins them.

    L(C, λ) = goal(C) + Σ_k λ_k · slack_k(C)        λ ≥ 0
    L(C, λ) = Σ_k λ_k · rate_k(C) + …               λ on the simplex, for the smallest of rates

The training set's shares of labels and groups make the gain; the estimates that move λ take those
of the held-out split (narasimhan2021training, Algorithms 1 and 2, where both are written π).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.errors import Mistake, SpecError, suggest
from evenhand.objectives.constraints import BoundConstraint, LinearConstraint
from evenhand.objectives.goals import GOALS, BoundGoal, Multipliers, bind_goal
from evenhand.objectives.rates import Confusion, Gains, Shares, on_diagonals, shares_of
from evenhand.objectives.training_set import ClassSubset, TrainingSet


@dataclass(frozen=True)
class Objective:
    """A goal, the classes it is over, and constraints; before any training set is known."""

    maximize: str
    subject_to: tuple[LinearConstraint, ...] = ()
    classes: ClassSubset = "*"

    def __post_init__(self) -> None:
        if self.maximize not in GOALS:
            right, hint = suggest(self.maximize, GOALS, "goal")
            raise SpecError([Mistake(f"no goal is called {self.maximize!r}", (), right, hint)])
        if self.maximize in ("accuracy", "min_head_tail_recall") and self.classes != "*":
            what = f"{self.maximize} is over all classes"
            raise SpecError([Mistake(what, (), f"write {self.maximize} without classes")])

    def bind(
        self,
        counts: TrainingCounts,
        classes: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
    ) -> BoundObjective:
        """Fill in which classes are meant; counts are the training set's.

        Raises `SpecError` for a class that there is not, and `DataError` where a rate is over a
        class, or a (class, group) cell, without a training example.
        """
        training = TrainingSet.of(counts, classes, groups)
        goal = bind_goal(self.maximize, self.classes, training)
        bound = BoundObjective(goal, tuple(c.bind(training) for c in self.subject_to))
        # What cannot be evaluated is said now, and not at the first multiplier above 0.
        perfect = on_diagonals(counts / counts.sum())
        bound.value(perfect)
        bound.slacks(perfect)
        return bound

    def bind_to_labels(self, labels: Labels) -> BoundObjective | None:
        """Bound to made-up counts, as where a suite is planned; raises as `bind`.

        None where it names classes that only the data know.
        """
        written = [self.classes, *(constraint.classes for constraint in self.subject_to)]
        names = [name for each in written if isinstance(each, tuple) for name in each]
        if labels.classes is None and not all(name.isdigit() for name in names):
            return None
        falling = np.arange(labels.n_classes, 0, -1)
        counts = np.repeat(falling[:, None], labels.n_groups, axis=1)
        return self.bind(counts, labels.classes)


@dataclass(frozen=True)
class BoundObjective:
    """An objective for one training set. λ is [on the simplex, one a rate | ≥ 0, one a bound].

    Confusions are shares [groups, classes, classes] that add up to 1 over all three axes; `train`
    and `shares` are those of labels and groups [classes, groups].
    """

    goal: BoundGoal
    constraints: tuple[BoundConstraint, ...]

    @property
    def n_multipliers(self) -> int:
        return len(self.goal.names) + sum(len(c.names) for c in self.constraints)

    def names(self) -> tuple[str, ...]:
        """What each multiplier is of: `min_recall[truck]`, `coverage[head]`.

        Where one rate is bound twice, its bounds are told as well: `recall[truck] >= 0.6`.
        """
        short = Counter(name for c in self.constraints for name in c.names)
        bounds = [
            name if short[name] == 1 else f"{name} {c.spec.sense} {c.spec.bound:g}"
            for c in self.constraints
            for name in c.names
        ]
        return (*self.goal.names, *bounds)

    def start(self) -> Multipliers:
        """The multipliers before any estimate: uniform on the simplex, zero for constraints."""
        rates = len(self.goal.names)
        return np.concatenate(
            [np.full(rates, 1 / max(1, rates)), np.zeros(self.n_multipliers - rates)]
        )

    def value(self, confusion: Confusion) -> float:
        """The goal itself, whatever the constraints."""
        return self.goal.value(confusion, shares_of(confusion))

    def slacks(self, confusion: Confusion) -> Multipliers:
        """By how much each constraint is met, in the order of their multipliers."""
        shares = shares_of(confusion)
        slacks = [constraint.slacks(confusion, shares) for constraint in self.constraints]
        return np.concatenate([np.zeros(0), *slacks])

    def update(self, multipliers: Multipliers, confusion: Confusion, step: float) -> Multipliers:
        """λ after one step against the Lagrangian, on an estimate from held-out data.

        simplex      λ_k ← λ_k · exp(−step · rate_k), normalised (exponentiated gradient)
        constraints  λ_k ← max(0, λ_k − step · slack_k)
        """
        rates = self.goal.rates(confusion, shares_of(confusion))
        held, free = np.split(multipliers, [rates.size])
        if rates.size:
            # In logarithms, and off zero, so that a rate long at its ease can come back.
            logs = np.log(np.maximum(held, np.finfo(np.float64).tiny)) - step * rates
            held = np.exp(logs - logs.max())
            held = held / held.sum()
        return np.concatenate([held, np.maximum(0, free - step * self.slacks(confusion))])

    def gain(
        self, multipliers: Multipliers, train: Shares, confusion: Confusion | None = None
    ) -> Gains:
        """G(λ, π^train): the derivative of the Lagrangian by the training confusion matrices.

        [classes, classes], or [groups, classes, classes] where the objective is over groups.
        confusion is the last estimate from held-out data; smooth goals need it.
        """
        held, free = np.split(multipliers, [len(self.goal.names)])
        gains = self.goal.gain(held, train, confusion)
        for constraint, part in zip(self.constraints, self._parts(free), strict=True):
            gains = gains + constraint.gain(part, train)
        return gains

    def _parts(self, free: Multipliers) -> list[np.ndarray]:
        borders = np.cumsum([len(c.names) for c in self.constraints])
        return np.split(free, borders[:-1]) if self.constraints else []


def bayes_decision(
    gains: Gains, probabilities: Float[np.ndarray, "n *groups classes"]
) -> Int[np.ndarray, " n"]:
    """argmax_j Σ_i G_ij p_i of each row (narasimhan2021training, Proposition 1).

    Over groups it is argmax_j Σ_gi G_gij p_gi, p the joint probabilities of group and label.
    """
    flat = probabilities.reshape(len(probabilities), -1)
    return np.asarray((flat @ gains.reshape(-1, gains.shape[-1])).argmax(1))
