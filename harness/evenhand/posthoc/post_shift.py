"""Post-shifting: the gains of an objective applied to a trained network's probabilities.

    h(x) = argmax_j Σ_i G_ij η_i(x)        η = softmax f, G = G(λ, π^train)

narasimhan2021training fits λ on the validation split, by a grid for few multipliers and by an
optimiser for many; the details are in an appendix that we have not seen. The paper warns of
over-fitting the validation split with one multiplier for each of 100 classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from evenhand.declared.decorators import posthoc
from evenhand.declared.labels import Labels
from evenhand.declared.method import Head
from evenhand.errors import DataError, KeyPath, Mistake, SpecError
from evenhand.metrics import Outputs
from evenhand.objectives.objective import BoundObjective, Objective
from evenhand.objectives.parse import parse
from evenhand.objectives.rates import RATES, Gains
from evenhand.posthoc.outputs import Logits, Predict, Trained, checked
from evenhand.posthoc.search import Search, by_gradient, by_grid, by_optimiser, decision, n_points

Way = Literal["gradient", "grid", "optimiser"]
LARGEST = 100_000
"""Largest number of points of a grid, about one minute for 5,000 images of ten classes."""


@dataclass(frozen=True)
class PostShift:
    """Declaration of `post_shift`, which describes its fields."""

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
        """Check the objective. Raises `SpecError` for one over groups, or with too large a grid."""
        bound = self._objective(labels.classes).bind_to_labels(labels)
        if bound is not None:
            self._check_grid(bound)

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """The prediction with the best gains on the validation split, at its own label shares.

        Raises `SpecError` as `check`, and `DataError` for a rate over a class without examples.
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
    right = "its gains differ between groups, and the network predicts no groups"
    what, hint = f"post_shift cannot use {rate}", "use rates of classes: recall, coverage"
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
    """Post-shifting: weight a trained network's probabilities by the gains of an objective.

        argmax_j Σ_i G_ij(λ) · softmax(f)_i

    narasimhan2021training, Sec. 6. λ is fitted on the validation split; the best λ is the one that
    violates the constraints least, and among equal ones has the largest goal. No default is from
    the paper.

    maximize     the objective: `min_recall`, `mean_recall`, …; see `evenhand.objectives`
    subject_to   constraints on rates of classes, such as `["coverage[*] >= 0.95/m"]`
    by           search for λ. "gradient": Algorithms 1 and 2 on the validation probabilities.
                 "grid": every λ on a grid. "optimiser": differential evolution
    steps        steps of the gradient
    step         its first step size, which falls to 0. It is 30 times that of the paper's training
                 loop, whose steps are noisy; constraints were missed more often with a constant one
    points       points of the grid for each multiplier
    evaluations  evaluations of the optimiser
    cap          largest multiplier of a constraint, for grid and optimiser
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
