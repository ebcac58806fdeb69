"""Rates of a classifier that are linear in its confusion matrix, and the classes they cover.

    recall_y              C_yy / π_y
    coverage_y            Σ_i C_iy
    balanced_coverage_y   (1/m) Σ_i C_iy / π_i
    accuracy              Σ_i C_ii

Each is Σ_ij A_ij C_ij, and A reads the label shares π alone: those of the split for an estimate,
those of the training set for a gain. A weighted sum of a rate over classes has one A, linear in the
weights.

narasimhan2021training prints balanced coverage without 1/m, so that it adds up to m and its target
0.95/m is next to nothing; with 1/m it is the coverage on a balanced split, which its tables report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from harness.errors import DataError

Confusion = Float[np.ndarray, "classes classes"]
PerClass = Float[np.ndarray, " classes"]
Gains = Float[np.ndarray, "classes classes"]
Classes = tuple[int, ...] | Literal["*", "head", "tail"]
"""Indices of classes; or all of them, the head, the tail."""


def normalised(counts: Int[np.ndarray, "groups classes classes"]) -> Confusion:
    """C of a split, from its counts[group, label, prediction]."""
    return np.asarray(counts.sum(0) / counts.sum())


def tail(counts: Int[np.ndarray, " classes"]) -> np.ndarray:
    """Whether a class is of the tail: the tenth of the classes with fewest training examples.

    90 and 10 of 100 classes, 180 and 20 of 200; of fewer than ten classes, one. Of classes with
    as many examples, those of higher index are the tail.
    """
    is_tail = np.zeros(counts.size, dtype=bool)
    order = np.argsort(-counts, kind="stable")
    is_tail[order[counts.size - max(1, counts.size // 10) :]] = True
    return is_tail


def members(classes: Classes, counts: Int[np.ndarray, " classes"]) -> Int[np.ndarray, " members"]:
    """Indices of the classes meant, given the training counts."""
    if isinstance(classes, tuple):
        return np.array(classes, dtype=np.int64)
    if classes == "*":
        return np.arange(counts.size)
    return np.flatnonzero(tail(counts) == (classes == "tail"))


def mean_weights(classes: Classes, counts: Int[np.ndarray, " classes"]) -> PerClass:
    """Weights that turn a rate of each class into its mean over the classes meant."""
    chosen = members(classes, counts)
    weights = np.zeros(counts.size)
    weights[chosen] = 1 / chosen.size
    return weights


def _recall(weights: PerClass, prior: PerClass) -> Gains:
    return np.asarray(np.diag(_divided(weights, prior)))


def _recalls(confusion: Confusion, prior: PerClass, used: PerClass) -> PerClass:
    return np.asarray(np.diag(confusion) * _divided(used, prior))


def _coverage(weights: PerClass, prior: PerClass) -> Gains:
    return np.tile(weights, (weights.size, 1))


def _coverages(confusion: Confusion, prior: PerClass, used: PerClass) -> PerClass:
    return np.asarray(confusion.sum(0))


def _balanced_coverage(weights: PerClass, prior: PerClass) -> Gains:
    return np.outer(_divided(np.full(prior.size, 1 / prior.size), prior), weights)


def _balanced_coverages(confusion: Confusion, prior: PerClass, used: PerClass) -> PerClass:
    return np.asarray(_divided(np.full(prior.size, 1 / prior.size), prior) @ confusion)


def _accuracy(weights: PerClass, prior: PerClass) -> Gains:
    # One number for all classes, so that weights which add up to 1 make it the accuracy.
    return np.asarray(np.eye(weights.size) * weights.sum())


def _accuracies(confusion: Confusion, prior: PerClass, used: PerClass) -> PerClass:
    return np.full(prior.size, np.trace(confusion))


def _divided(weights: PerClass, prior: PerClass) -> PerClass:
    """weights / prior, where there are weights. Raises `DataError` for a class without examples."""
    missing = np.flatnonzero((weights != 0) & (prior <= 0))
    if missing.size:
        raise DataError(
            f"no example of {missing.size} of {prior.size} classes: "
            f"{', '.join(map(str, missing[:8]))}{', …' if missing.size > 8 else ''}\n"
            "  recall and balanced coverage need one of each, in training and in validation\n"
            "  set more images aside for validation, or constrain other classes"
        )
    quotient = np.divide(weights, prior, out=np.zeros_like(prior), where=weights != 0)
    return np.asarray(quotient)


@dataclass(frozen=True)
class Rate:
    """A rate that is linear in C.

    coefficients  A, from weights over classes and label shares
    of_each       the rate of each class, from C, label shares, and 1 for the classes in use
    """

    name: str
    coefficients: Callable[[PerClass, PerClass], Gains]
    of_each: Callable[[Confusion, PerClass, PerClass], PerClass]

    def values(
        self, weights: Float[np.ndarray, "terms classes"], confusion: Confusion, prior: PerClass
    ) -> Float[np.ndarray, " terms"]:
        """The rate summed over classes with each row of weights."""
        used = np.asarray(weights.any(0), dtype=np.float64)
        return np.asarray(weights @ self.of_each(confusion, prior, used))


RATES: Mapping[str, Rate] = {
    rate.name: rate
    for rate in (
        Rate("recall", _recall, _recalls),
        Rate("coverage", _coverage, _coverages),
        Rate("balanced_coverage", _balanced_coverage, _balanced_coverages),
        Rate("accuracy", _accuracy, _accuracies),
    )
}
