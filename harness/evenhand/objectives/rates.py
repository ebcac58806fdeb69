"""Rates of a classifier that are linear in its confusion matrices.

    recall_y              C_yy / π_y                    with C_ij = Σ_g C_gij, π_y = Σ_g π_yg
    coverage_y            Σ_i C_iy
    balanced_coverage_y   (1/m) Σ_i C_iy / π_i
    accuracy              Σ_i C_ii
    group_recall_yg       C_gyy / π_yg
    recall_gap_yg         group_recall_yg − recall_y

Each rate is Σ_gij A_gij C_gij, where A depends on the shares π only: those of the split for an
estimate, those of the training set for a gain. A weighted sum of a rate over classes, or over
(label, group) cells, has one A, which is linear in the weights. If A is equal for all groups its
shape is [classes, classes].

narasimhan2021training prints balanced coverage without 1/m. Its sum is then m, and the target
0.95/m is almost no constraint. With 1/m it is the coverage on a balanced split, which its tables
report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from evenhand.errors import DataError

Confusion = Float[np.ndarray, "groups classes classes"]
Shares = Float[np.ndarray, "classes groups"]
Matrix = Float[np.ndarray, "classes classes"]
PerClass = Float[np.ndarray, " classes"]
Gains = Float[np.ndarray, "*groups classes classes"]
Weights = Float[np.ndarray, " units"]
"""Weights of classes, or for a rate by group of cells: label · groups + group."""


def normalised(counts: Int[np.ndarray, "groups classes classes"]) -> Confusion:
    """C of a split with these counts[group, label, prediction]."""
    return np.asarray(counts / counts.sum())


def shares_of(confusion: Confusion) -> Shares:
    """Share of each label and group, over all predictions."""
    return np.asarray(confusion.sum(2).T)


def on_diagonals(values: Shares) -> Confusion:
    """Values of (label, group) on the diagonals of [groups, classes, classes]."""
    return np.asarray(values.T[:, :, None] * np.eye(len(values)))


def divided(weights: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """weights / shares, both [classes] or both [classes, groups], and 0 where the weight is 0.

    Raises `DataError` with the classes or cells that have a weight and no examples.
    """
    missing = np.argwhere((weights != 0) & (shares <= 0))
    if len(missing):
        kind = "classes" if shares.ndim == 1 else "(class, group) cells"
        shown = ", ".join(str(at[0] if at.size == 1 else tuple(at.tolist())) for at in missing[:8])
        raise DataError(
            f"no example of {len(missing)} of {shares.size} {kind}: {shown}"
            f"{', …' if len(missing) > 8 else ''}\n"
            "  recalls and balanced coverage need one of each, in training and in validation\n"
            "  set more images aside for validation, or constrain other classes"
        )
    return np.asarray(np.divide(weights, shares, out=np.zeros(shares.shape), where=weights != 0))


def _recall(weights: PerClass, prior: PerClass) -> Gains:
    return np.diag(divided(weights, prior))


def _recalls(confusion: Matrix, prior: PerClass, used: PerClass) -> PerClass:
    return np.asarray(np.diag(confusion) * divided(used, prior))


def _coverage(weights: PerClass, prior: PerClass) -> Gains:
    return np.tile(weights, (weights.size, 1))


def _coverages(confusion: Matrix, prior: PerClass, used: PerClass) -> PerClass:
    return np.asarray(confusion.sum(0))


def _balanced_coverage(weights: PerClass, prior: PerClass) -> Gains:
    return np.outer(divided(np.full(prior.size, 1 / prior.size), prior), weights)


def _balanced_coverages(confusion: Matrix, prior: PerClass, used: PerClass) -> PerClass:
    return np.asarray(divided(np.full(prior.size, 1 / prior.size), prior) @ confusion)


def _accuracy(weights: PerClass, prior: PerClass) -> Gains:
    # The same value for every class, so that weights with the sum 1 give the accuracy.
    return np.asarray(np.eye(weights.size) * weights.sum())


def _accuracies(confusion: Matrix, prior: PerClass, used: PerClass) -> PerClass:
    return np.full(prior.size, np.trace(confusion))


def _group_recall(weights: Shares, shares: Shares) -> Gains:
    return on_diagonals(divided(weights, shares))


def _group_recalls(confusion: Confusion, shares: Shares, used: Shares) -> Shares:
    return np.asarray(np.diagonal(confusion, axis1=1, axis2=2).T * divided(used, shares))


def _recall_gap(weights: Shares, shares: Shares) -> Gains:
    of_class = divided(weights.sum(1), shares.sum(1))
    return on_diagonals(divided(weights, shares) - of_class[:, None])


def _recall_gaps(confusion: Confusion, shares: Shares, used: Shares) -> Shares:
    of_class = _recalls(confusion.sum(0), shares.sum(1), used.max(1))
    return np.asarray(_group_recalls(confusion, shares, used) - of_class[:, None])


@dataclass(frozen=True)
class Rate:
    """A rate that is linear in C, for each class or for each (label, group) cell."""

    matrix: Callable[[np.ndarray, np.ndarray], Gains]
    """A, from weights and shares."""
    of_each: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    """The rate of each class or cell, from C, shares, and 1 for each one with a weight."""
    by_group: bool = False
    """Whether arguments are [classes, groups]; otherwise [classes], with C summed over groups."""

    def coefficients(self, weights: Weights, shares: Shares) -> Gains:
        """A of the weighted sum of the rate."""
        if self.by_group:
            return self.matrix(weights.reshape(shares.shape), shares)
        return self.matrix(weights, shares.sum(1))

    def values(
        self, weights: Float[np.ndarray, "terms units"], confusion: Confusion, shares: Shares
    ) -> Float[np.ndarray, " terms"]:
        """Weighted sum of the rate, for each row of weights."""
        used = np.asarray(weights.any(0), np.float64)
        if self.by_group:
            each = self.of_each(confusion, shares, used.reshape(shares.shape))
            return np.asarray(weights @ each.ravel())
        return np.asarray(weights @ self.of_each(confusion.sum(0), shares.sum(1), used))


GAP = Rate(_recall_gap, _recall_gaps, by_group=True)
RATES: Mapping[str, Rate] = {
    "recall": Rate(_recall, _recalls),
    "coverage": Rate(_coverage, _coverages),
    "balanced_coverage": Rate(_balanced_coverage, _balanced_coverages),
    "accuracy": Rate(_accuracy, _accuracies),
    "group_recall": Rate(_group_recall, _group_recalls, by_group=True),
    "equal_opportunity": GAP,
    "equalized_odds": GAP,
}
