"""Where multipliers are looked for whose gains serve an objective best on one split.

    h(x) = argmax_j Σ_i G_ij η_i(x)        G = G(λ, π^train), η the network's probabilities

Every λ that is tried is judged by the confusion of h on the split, and the best gains are kept. A
smooth goal's gain also depends on the confusion at which it is linearised: that is the mean of
those seen, weighed as by Frank–Wolfe. Linearised at the last one instead, h swings between
predicting a class always and never, and the G-mean does not get off 0.
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
"""How often a smooth goal is linearised for one λ of a grid or an optimiser."""
SPREAD = 3.0
"""An optimiser's multipliers on the simplex are softmax(u) with u in [−SPREAD, SPREAD]."""
ROUNDING = 1e-9
"""A bound that is missed by less is met."""


class Merit(NamedTuple):
    """How good predictions are; the larger is better.

    slack is by how much the constraint that fails most does, ≤ 0, and 0 where all are met.
    """

    slack: float
    value: float


class Candidate(NamedTuple):
    """Gains, the confusion of the predictions that follow them, and how good it is."""

    merit: Merit
    gains: Gains
    confusion: Confusion


@dataclass
class Search:
    """The best gains so far, for one objective on one split.

    cells is the index of (group, label) of each image: group · classes + label
    """

    objective: BoundObjective
    train: Shares
    probabilities: Float[np.ndarray, "n classes"]
    cells: Int[np.ndarray, " n"]
    best: Candidate | None = None

    def confusion(self, gains: Gains) -> Confusion:
        """C of the predictions that follow these gains."""
        n_classes, n_groups = self.train.shape
        shape = (n_groups, n_classes, n_classes)
        places = self.cells * n_classes + decision(gains, self.probabilities)
        return normalised(np.bincount(places, minlength=int(np.prod(shape))).reshape(shape))

    def unshifted(self) -> Confusion:
        """C of the network's own predictions."""
        return self.confusion(np.eye(len(self.train)))

    def evaluate(self, multipliers: Multipliers, estimate: Confusion) -> Candidate:
        """What follows from these multipliers; the goal is linearised at the estimate."""
        gains = self.objective.gain(multipliers, self.train, estimate)
        confusion = self.confusion(gains)
        slack = float(self.objective.slacks(confusion).min(initial=0.0))
        merit = Merit(slack if slack < -ROUNDING else 0.0, self.objective.value(confusion))
        tried = Candidate(merit, gains, confusion)
        if self.best is None or merit > self.best.merit:
            self.best = tried
        return tried

    def best_at(self, multipliers: Multipliers, start: Confusion) -> Merit:
        """The best at these multipliers, from this estimate on."""
        merits, estimate = [], start
        for t in range(ROUNDS if isinstance(self.objective.goal, SmoothGoal) else 1):
            tried = self.evaluate(multipliers, estimate)
            merits.append(tried.merit)
            estimate = frank_wolfe_step(tried.confusion, estimate, t)
        return max(merits)


def decision(gains: Gains, probabilities: Float[np.ndarray, "n classes"]) -> Int[np.ndarray, " n"]:
    """The Bayes decision; where gains are diagonal, as recalls' are, without a matrix product."""
    diagonal = np.diag(gains)
    if np.count_nonzero(gains) == np.count_nonzero(diagonal):
        return np.asarray((probabilities * diagonal).argmax(1))
    return bayes_decision(gains, probabilities)


def frank_wolfe_step(confusion: Confusion, estimate: Confusion, t: int) -> Confusion:
    """The estimate after one more confusion: a Frank–Wolfe step."""
    return np.asarray(estimate + 2 / (t + 3) * (confusion - estimate))


def by_gradient(search: Search, *, steps: int, step: float) -> None:
    """Algorithms 1 and 2 on fixed probabilities, the step falling linearly to 0."""
    multipliers, estimate = search.objective.start(), search.unshifted()
    for t in range(steps):
        confusion = search.evaluate(multipliers, estimate).confusion
        estimate = frank_wolfe_step(confusion, estimate, t)
        multipliers = search.objective.update(multipliers, confusion, step * (1 - t / steps))


def n_points(objective: BoundObjective, points: int) -> int:
    """How many λ a grid has; none where it is too coarse for the simplex."""
    rates, bounds = _parts(objective)
    held = comb(points - 2, rates - 1) if rates else 1
    return int(held * points**bounds)


def by_grid(search: Search, *, points: int, cap: float) -> None:
    """Every λ with multiples of 1/(points − 1) on the simplex, and as many points on [0, cap].

    None on the simplex is 0: the classes under it would never be predicted.
    """
    rates, bounds = _parts(search.objective)
    axis, start = _spaced(np.linspace(0, 1, points), cap), search.unshifted()
    for held in _simplex(rates, points - 1):
        for free in itertools.product(axis, repeat=bounds):
            search.best_at(np.concatenate([held, free]), start)


def by_optimiser(search: Search, *, evaluations: int, cap: float) -> None:
    """SciPy's differential evolution, always from the same population.

    What misses a constraint costs 1 and more, so that the goal counts only once all are met. On
    Gaussian problems with up to ten multipliers it came short of the best that was found by any
    more rarely than Nelder–Mead with restarts, Powell, COBYLA, COBYQA, DIRECT and dual annealing;
    with 100 multipliers all of them stay far behind the gradient.
    """
    from scipy.optimize import Bounds, differential_evolution
    from scipy.special import softmax

    (rates, bounds), start = _parts(search.objective), search.unshifted()

    def multipliers(at: np.ndarray) -> Multipliers:
        held = softmax(at[:rates]) if rates else at[:0]
        return np.concatenate([held, _spaced(at[rates:], cap)])

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
    """How many multipliers are on the simplex, and how many are those of constraints."""
    rates = len(objective.goal.names)
    return rates, objective.n_multipliers - rates


def _spaced(share: np.ndarray, cap: float) -> np.ndarray:
    """[0, 1] on [0, cap], closer near 0: where a class is rare, a small λ has a large gain λ/π."""
    return cap * share**2


def _simplex(n: int, parts: int) -> Iterator[Float[np.ndarray, " n"]]:
    """Every vector of n multiples of 1/parts that add up to 1, none of them 0."""
    if not n:
        yield np.zeros(0)
        return
    for bars in itertools.combinations(range(1, parts), n - 1):
        yield np.diff([0, *bars, parts]) / parts
