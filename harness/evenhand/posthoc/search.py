"""Search for the multipliers whose gains are best for an objective on one split.

    h(x) = argmax_j Σ_i G_ij η_i(x)        G = G(λ, π^train), η the network's probabilities

Every λ is evaluated by the confusion of h on the split, and the best gains are kept. The gain of a
smooth goal also depends on the confusion at which it is linearised, which is the mean of the
earlier ones with the weights of Frank–Wolfe. With the last confusion alone, h alternates between
always and never predicting a class, and the G-mean stays at 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from evenhand.objectives.goals import Multipliers, SmoothGoal
from evenhand.objectives.objective import BoundObjective, bayes_decision
from evenhand.objectives.rates import Confusion, Gains, Shares, normalised

ROUNDS = 10
"""Linearisations of a smooth goal for one λ of a grid or an optimiser."""
SPREAD = 3.0
"""Bound on u where the optimiser's multipliers on the simplex are softmax(u)."""
ROUNDING = 1e-9
"""Tolerance below which a violated bound counts as met."""


class Merit(NamedTuple):
    """Quality of predictions; the larger tuple is better."""

    slack: float
    """Slack of the constraint that is violated most; 0 if all are met."""
    value: float
    """Value of the goal."""


class Candidate(NamedTuple):
    """Gains with the predictions that follow from them."""

    merit: Merit
    """Quality of the predictions."""
    gains: Gains
    """The gains."""
    confusion: Confusion
    """C of the predictions."""


@dataclass
class Search:
    """Search for gains, for one objective on one split, with the best candidate so far."""

    objective: BoundObjective
    """The objective."""
    train: Shares
    """Shares of labels and groups in the training set."""
    probabilities: Float[np.ndarray, "n classes"]
    """Class probabilities of the network."""
    cells: Int[np.ndarray, " n"]
    """Cell of each image: group · classes + label."""
    best: Candidate | None = None
    """Best candidate so far."""

    def confusion(self, gains: Gains) -> Confusion:
        """C of the predictions with these gains."""
        n_classes, n_groups = self.train.shape
        shape = (n_groups, n_classes, n_classes)
        places = self.cells * n_classes + decision(gains, self.probabilities)
        return normalised(np.bincount(places, minlength=int(np.prod(shape))).reshape(shape))

    def unshifted(self) -> Confusion:
        """C of the network's own predictions."""
        return self.confusion(np.eye(len(self.train)))

    def evaluate(self, multipliers: Multipliers, estimate: Confusion) -> Candidate:
        """The candidate of these multipliers, with the goal linearised at the estimate."""
        gains = self.objective.gain(multipliers, self.train, estimate)
        confusion = self.confusion(gains)
        slack = float(self.objective.slacks(confusion).min(initial=0.0))
        merit = Merit(slack if slack < -ROUNDING else 0.0, self.objective.value(confusion))
        tried = Candidate(merit, gains, confusion)
        if self.best is None or merit > self.best.merit:
            self.best = tried
        return tried

    def best_at(self, multipliers: Multipliers, start: Confusion) -> Merit:
        """The best quality at these multipliers, linearised repeatedly from this estimate."""
        merits, estimate = [], start
        for t in range(ROUNDS if isinstance(self.objective.goal, SmoothGoal) else 1):
            tried = self.evaluate(multipliers, estimate)
            merits.append(tried.merit)
            estimate = frank_wolfe_step(tried.confusion, estimate, t)
        return max(merits)


def decision(gains: Gains, probabilities: Float[np.ndarray, "n classes"]) -> Int[np.ndarray, " n"]:
    """The Bayes decision, without a matrix product for diagonal gains."""
    diagonal = np.diag(gains)
    if np.count_nonzero(gains) == np.count_nonzero(diagonal):
        return np.asarray((probabilities * diagonal).argmax(1))
    return bayes_decision(gains, probabilities)


def frank_wolfe_step(confusion: Confusion, estimate: Confusion, t: int) -> Confusion:
    """The estimate after a Frank–Wolfe step towards a confusion."""
    return np.asarray(estimate + 2 / (t + 3) * (confusion - estimate))


def by_gradient(search: Search, *, steps: int, step: float) -> None:
    """Search by Algorithms 1 and 2 on fixed probabilities, with a step that falls linearly to 0."""
    multipliers, estimate = search.objective.start(), search.unshifted()
    for t in range(steps):
        confusion = search.evaluate(multipliers, estimate).confusion
        estimate = frank_wolfe_step(confusion, estimate, t)
        multipliers = search.objective.update(multipliers, confusion, step * (1 - t / steps))


def n_points(objective: BoundObjective, points: int) -> int:
    """Number of λ on a grid; 0 if it is too coarse for the simplex."""
    rates, bounds = _parts(objective)
    held = comb(points - 2, rates - 1) if rates else 1
    return int(held * points**bounds)


def by_grid(search: Search, *, points: int, cap: float) -> None:
    """Search over a grid: multiples of 1/(points − 1) on the simplex, `points` values on [0, cap].

    Multipliers on the simplex are above 0, since the class of a multiplier 0 is never predicted.
    """
    rates, bounds = _parts(search.objective)
    axis, start = _spaced(np.linspace(0, 1, points), cap), search.unshifted()
    for of_rates in _simplex(rates, points - 1):
        for of_bounds in itertools.product(axis, repeat=bounds):
            search.best_at(np.concatenate([of_rates, of_bounds]), start)


def by_optimiser(search: Search, *, evaluations: int, cap: float) -> None:
    """Search by SciPy's differential evolution, from a fixed population.

    A λ that violates a constraint costs 1 or more, so that the goal matters only if all constraints
    are met. On Gaussian problems with up to ten multipliers it missed the best known result less
    often than Nelder–Mead with restarts, Powell, COBYLA, COBYQA, DIRECT and dual annealing. With
    100 multipliers all of them were far worse than the gradient.
    """
    from scipy.optimize import Bounds, differential_evolution
    from scipy.special import softmax

    (rates, bounds), start = _parts(search.objective), search.unshifted()

    def multipliers(at: np.ndarray) -> Multipliers:
        of_rates = softmax(at[:rates]) if rates else at[:0]
        return np.concatenate([of_rates, _spaced(at[rates:], cap)])

    def cost(at: np.ndarray) -> float:
        merit = search.best_at(multipliers(at), start)
        return 1 - merit.slack if merit.slack < 0 else -merit.value

    search.best_at(search.objective.start(), start)
    n, population = rates + bounds, 5
    if not n:
        return
    low, high = [-SPREAD] * rates + [0.0] * bounds, [SPREAD] * rates + [1.0] * bounds
    differential_evolution(
        cost,
        Bounds(low, high),
        rng=np.random.default_rng(0),
        popsize=population,
        maxiter=max(1, evaluations // (population * n) - 1),
        tol=0,
        polish=False,
        x0=np.zeros(n),
    )


def _parts(objective: BoundObjective) -> tuple[int, int]:
    """Number of multipliers on the simplex, and number of those of constraints."""
    rates = len(objective.goal.names)
    return rates, objective.n_multipliers - rates


def _spaced(share: np.ndarray, cap: float) -> np.ndarray:
    """[0, 1] mapped to [0, cap], denser near 0: a small λ of a rare class has a large gain λ/π."""
    return cap * share**2


def _simplex(n: int, parts: int) -> Iterator[Float[np.ndarray, " n"]]:
    """All vectors of n positive multiples of 1/parts with the sum 1."""
    if not n:
        yield np.zeros(0)
        return
    for bars in itertools.combinations(range(1, parts), n - 1):
        yield np.diff([0, *bars, parts]) / parts
