"""The Lagrangian of an objective, written out with shares that do not follow the confusion."""

from __future__ import annotations

import numpy as np

from evenhand.objectives.objective import BoundObjective
from evenhand.objectives.rates import Confusion, Shares


def slacks(bound: BoundObjective, confusion: Confusion, shares: Shares) -> np.ndarray:
    """Slack of each constraint, in the order of the multipliers."""
    found = [constraint.slacks(confusion, shares) for constraint in bound.constraints]
    return np.concatenate([np.zeros(0), *found])


def is_met(bound: BoundObjective, confusion: Confusion, tolerance: float = 0.0) -> bool:
    """Whether no constraint fails by more than the tolerance."""
    return bool((bound.slacks(confusion) >= -tolerance).all())


def lagrangian(
    bound: BoundObjective, multipliers: np.ndarray, confusion: Confusion, shares: Shares
) -> float:
    """L(C, λ) = goal + Σ_k λ_k · slack_k; a minimum is replaced by its rates, weighted by λ."""
    rates = bound.goal.rates(confusion, shares)
    of_goal, of_bounds = np.split(multipliers, [rates.size])
    goal = of_goal @ rates if rates.size else bound.goal.value(confusion, shares)
    return float(goal + of_bounds @ slacks(bound, confusion, shares))
