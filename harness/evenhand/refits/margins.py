"""Hard-margin support vector machines whose margins differ by class or by group (kini2021label).

    min ‖w‖²  subject to  y_i (⟨w, x_i⟩ + b) ≥ m_i,  y_i = ±1

as a quadratic program, solved by Clarabel. The class of index 1 has y = +1. The logits of the head
are ∓(⟨w, x⟩ + b)/2, so that their difference is the score.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Real

from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.declared.stage_parts import LinearHead
from evenhand.errors import DataError, Mistake, SpecError


@dataclass(frozen=True)
class Margin(ABC):
    """Margin delta for the examples of a rarer class or group, and margin 1 for the others.

    If both are equally frequent, the one of index 1 has the margin delta.
    """

    delta: float
    """Margin of the rarer class or group."""
    has_probabilities: ClassVar[bool] = False
    intercept: bool = True
    """Whether b is free; otherwise b = 0."""
    split: Literal["train"] = "train"
    """Split whose features are used."""

    @abstractmethod
    def is_rare(
        self, labels: Int[np.ndarray, " n"], groups: Int[np.ndarray, " n"], counts: TrainingCounts
    ) -> Bool[np.ndarray, " n"]:
        """Whether each example is of the rarer class or group, by counts [classes, groups]."""

    def check(self, labels: Labels) -> None:
        """Check the labels. Raises `SpecError` unless there are two classes."""
        _check_two("classes", labels.n_classes)

    def check_counts(self, counts: TrainingCounts) -> None:
        """Nothing to check: the solver finds whether a line separates the classes."""
        return

    def solve(
        self,
        features: Float[np.ndarray, "n features"],
        labels: Int[np.ndarray, " n"],
        groups: Int[np.ndarray, " n"],
        *,
        training: Float[np.ndarray, "examples features"],
        counts: TrainingCounts,
        randomness: np.random.Generator,
    ) -> LinearHead:
        """The max-margin head. Raises `DataError` if no line separates the classes."""
        margins = np.where(self.is_rare(labels, groups, counts), self.delta, 1.0)
        return _head(features, labels, margins, intercept=self.intercept)


@dataclass(frozen=True)
class CostSensitiveMargin(Margin):
    """CS-SVM: the class with fewer examples has the margin delta."""

    def is_rare(
        self, labels: Int[np.ndarray, " n"], groups: Int[np.ndarray, " n"], counts: TrainingCounts
    ) -> Bool[np.ndarray, " n"]:
        """Whether each example is of the rarer class."""
        return np.asarray(labels == rarest(counts.sum(1)))


@dataclass(frozen=True)
class GroupMargin(Margin):
    """GS-SVM: the group with fewer examples has the margin delta."""

    def is_rare(
        self, labels: Int[np.ndarray, " n"], groups: Int[np.ndarray, " n"], counts: TrainingCounts
    ) -> Bool[np.ndarray, " n"]:
        """Whether each example is of the rarer group."""
        return np.asarray(groups == rarest(counts.sum(0)))

    def check(self, labels: Labels) -> None:
        """Check the labels. Raises `SpecError` unless there are two classes and two groups."""
        super().check(labels)
        _check_two("groups", labels.n_groups)


def rarest(sizes: Real[np.ndarray, " _"]) -> int:
    """Index of the smallest size; of equal ones the last, which is the positive one."""
    return int(len(sizes) - 1 - np.argmin(sizes[::-1]))


def _check_two(what: str, n: int) -> None:
    if n != 2:
        said = f"this method needs two {what}, and the problem has {n}"
        raise SpecError([Mistake(said, (), f"choose a problem with two {what}")])


def _head(
    features: Float[np.ndarray, "n features"],
    labels: Int[np.ndarray, " n"],
    margins: Float[np.ndarray, " n"],
    *,
    intercept: bool,
) -> LinearHead:
    signs = np.where(labels == 1, 1.0, -1.0)
    line = max_margin_line(features, signs, margins, intercept=intercept)
    halves = np.array([-0.5, 0.5])
    return LinearHead(weight=halves[:, None] * line[:-1], bias=halves * line[-1])


def max_margin_line(
    features: Float[np.ndarray, "n features"],
    signs: Float[np.ndarray, " n"],
    margins: Float[np.ndarray, " n"],
    *,
    intercept: bool = True,
) -> Float[np.ndarray, " features+1"]:
    """(w, b) with the smallest ‖w‖ such that y (⟨w, x⟩ + b) ≥ margin; b = 0 without intercept.

    The dual has size n² for any number of features: min ½ αᵀKα − mᵀα over α ≥ 0, with yᵀα = 0 if
    there is an intercept, and w = Σ α_i y_i x_i. Raises `DataError` if there is no solution.
    """
    import clarabel
    from scipy import sparse

    signed = signs[:, None] * features
    n, at_zero = len(signs), signs[None] if intercept else np.empty((0, len(signs)))
    options = clarabel.DefaultSettings()
    # With one thread the result has the same bits in every run.
    options.verbose, options.direct_solve_method, options.max_threads = False, "faer", 1
    found = clarabel.DefaultSolver(
        sparse.csc_array(np.triu(signed @ signed.T)),
        -margins,
        sparse.csc_array(np.vstack([at_zero, -np.eye(n)])),
        np.zeros(n + len(at_zero)),
        [clarabel.ZeroConeT(len(at_zero)), clarabel.NonnegativeConeT(n)],
        options,
    ).solve()
    if found.status != clarabel.SolverStatus.Solved:
        raise DataError(_unsolved(np.column_stack([signed, *at_zero]), str(found.status)))
    return np.append(np.asarray(found.x) @ signed, found.z[0] if intercept else 0.0)


def _unsolved(rows: Float[np.ndarray, "n k"], status: str) -> str:
    """Message for data that no line separates, or for a solver that failed."""
    missed, most = _misses(rows)
    n = len(rows)
    if not missed:
        return (
            f"the solver ended with {status}, although a line separates the classes\n"
            "  features of very different scales cause this: normalise them, or lower delta"
        )
    return (
        "no line separates the classes, as a hard margin requires: the line with the smallest "
        f"slacks leaves {missed} of {n} examples on the wrong side, the worst by {most:.3g}\n"
        "  use more features or fewer examples, or a method that trains a loss"
    )


def _misses(rows: Float[np.ndarray, "n k"]) -> tuple[int, float]:
    """Errors of the line with the smallest sum of slacks: their number, and the largest."""
    from scipy.optimize import linprog

    n, k = rows.shape
    found: Any = linprog(
        np.append(np.zeros(k), np.ones(n)),
        A_ub=-np.column_stack([rows, np.eye(n)]),
        b_ub=-np.ones(n),
        bounds=[(None, None)] * k + [(0, None)] * n,
        method="highs",
    )
    beyond = found.x[k:] - 1
    return int((beyond > 1e-6).sum()), float(beyond.max())
