"""Post-shifting: the gains of an objective on a trained network's probabilities.

    h(x) = argmax_j Σ_i G_ij η_i(x)        η = softmax f, G = G(λ, π^train)

narasimhan2021training says of λ that it is fitted on the validation split, by a grid where there
are few and by an optimiser where there are many, and leaves the rest to an appendix that we have
not seen. Over all of 100 classes it warns of over-fitting that split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from evenhand.declared.labels import Labels
from evenhand.declared.method import Head
from evenhand.declared.registry import posthoc
from evenhand.errors import DataError, KeyPath, Mistake, SpecError
from evenhand.objectives.objective import BoundObjective, Objective
from evenhand.objectives.parse import parse
from evenhand.objectives.rates import RATES, Gains
from evenhand.posthoc.outputs import Logits, Outputs, Predict, Trained, checked
from evenhand.posthoc.search import Search, by_gradient, by_grid, by_optimiser, decision, n_points

Way = Literal["gradient", "grid", "optimiser"]
LARGEST = 100_000
"""The most points that a grid may have: on 5,000 images of ten classes, a minute's work."""


@dataclass(frozen=True)
class PostShift:
    """The best gains that were found on the validation split; see `post_shift`."""

    maximize: str
    subject_to: tuple[str, ...]
    by: Way
    steps: int
    step: float
    points: int
    evaluations: int
    cap: float
    needs_validation: ClassVar[bool] = True

    def check(self, labels: Labels, head: Head) -> None:
        """Raises `SpecError` for what is no objective, is over groups, or has too large a grid."""
        bound = self._objective(labels.classes).bind_to_labels(labels)
        if bound is not None:
            self._check_grid(bound)

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """Raises `SpecError` as `check`, and `DataError` for a class that a rate has to do without.

        The goal and its constraints are judged on the validation split, whatever its label shares.
        """
        bound = self._objective(trained.classes).bind(trained.counts, trained.classes)
        self._check_grid(bound)
        if val is None or not len(val.labels):
            raise DataError(
                "post_shift is fitted on validation images, and there are none\n"
                "  set some aside: `val: {per_class: 20}` in the suite"
            )
        n_classes = len(trained.counts)
        search = Search(
            bound,
            trained.counts / trained.counts.sum(),
            _probabilities(val.logits, n_classes),
            val.groups.astype(np.int64) * n_classes + val.labels,
        )
        self._look(search)
        assert search.best is not None
        return partial(_shifted, gains=search.best.gains)

    def _look(self, search: Search) -> None:
        match self.by:
            case "gradient":
                by_gradient(search, steps=self.steps, step=self.step)
            case "grid":
                by_grid(search, points=self.points, cap=self.cap)
            case "optimiser":
                by_optimiser(search, evaluations=self.evaluations, cap=self.cap)

    def _objective(self, classes: Sequence[str] | None) -> Objective:
        objective = parse(self.maximize, self.subject_to, classes)
        rates = [constraint.rate for constraint in objective.subject_to]
        refused = [
            _over_groups(rate, ("subject_to", i))
            for i, rate in enumerate(rates)
            if rate in RATES and RATES[rate].by_group
        ]
        if objective.maximize == "min_group_recall":
            refused.append(_over_groups(objective.maximize, ("maximize",)))
        if refused:
            raise SpecError(refused)
        return objective

    def _check_grid(self, bound: BoundObjective) -> None:
        size = n_points(bound, self.points)
        if self.by != "grid" or 0 < size <= LARGEST:
            return
        what = f"a grid of {self.points} points for {bound.n_multipliers} multipliers has {size:,}"
        right = f"it may have 1 to {LARGEST:,}"
        hint = f"{'lower' if size else 'raise'} `points`, or use by: gradient"
        raise SpecError([Mistake(what, ("points",), right, hint)])


def _over_groups(rate: str, where: KeyPath) -> Mistake:
    right = "its gains are one matrix for each group, and a network says nothing of groups"
    what, hint = f"post_shift cannot follow {rate}", "name rates of classes: recall, coverage"
    return Mistake(what, where, right, hint)


def _probabilities(logits: Logits, n_classes: int) -> np.ndarray:
    from scipy.special import softmax

    return np.asarray(softmax(checked(logits, n_classes), axis=1))


def _shifted(logits: Logits, *, gains: Gains) -> np.ndarray:
    return decision(gains, _probabilities(logits, len(gains)))


@posthoc(cite="narasimhan2021training", title="PS")
def post_shift(
    maximize: str = "min_recall",
    subject_to: tuple[str, ...] = (),
    by: Way = "gradient",
    steps: Annotated[int, Field(ge=1)] = 300,
    step: Annotated[float, Field(gt=0)] = 3.0,
    points: Annotated[int, Field(ge=2)] = 21,
    evaluations: Annotated[int, Field(ge=1)] = 3000,
    cap: Annotated[float, Field(gt=0)] = 5.0,
) -> PostShift:
    """Shift a trained network's probabilities to serve an objective and its constraints.

    by="gradient" is Algorithms 1 and 2 on the validation probabilities (steps, step), "grid" every
    multiplier on a grid (points, cap), "optimiser" differential evolution (evaluations, cap). Each
    keeps the best by validation: constraints before the goal.

    No default is the paper's. The step is thirty times that of its training loop, which sees noise
    at each of its steps, and falls to 0; with a constant one constraints were missed more often.
    """
    return PostShift(
        maximize,
        tuple(subject_to),
        by,
        steps=steps,
        step=step,
        points=points,
        evaluations=evaluations,
        cap=cap,
    )
