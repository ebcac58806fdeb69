"""Metrics of (label, group) cells: the worst, the mean, and how far groups are apart.

    E_yg  error of cell (y, g): the share of its examples that is misclassified

A gap is max − min over the groups of a label: with two groups |E_y1 − E_y2|, which papers on groups
call DEO, the difference of equal opportunity. A gap takes two groups in every label that the split
has a class for; else it is undefined. Where a metric is of two labels, the second is the positive
one (+), as in the tables of Waterbirds and CelebA.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.registry import metric
from evenhand.metrics.classes import Train


def accuracies(counts: PredictionCounts) -> Float[np.ndarray, "labels groups"]:
    """Accuracy of each (label, group) cell; NaN for one that the split lacks."""
    correct = np.diagonal(counts, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((correct / counts.sum(2)).T)


def _of_the_split(counts: PredictionCounts) -> Float[np.ndarray, " cells"]:
    """Accuracies of the cells that the split has; NaN where it has none at all."""
    found = accuracies(counts)
    there = found[~np.isnan(found)]
    return there if there.size else np.array([math.nan])


def _gaps(rates: Float[np.ndarray, "labels groups"]) -> Float[np.ndarray, " labels"]:
    """max − min over the groups; NaN for a label with fewer than two."""
    if rates.shape[1] < 2:
        return np.full(len(rates), math.nan)
    # A group that lacks the label does not take part, unless it leaves one alone.
    there = ~np.isnan(rates)
    highest = np.where(there, rates, -math.inf).max(1)
    lowest = np.where(there, rates, math.inf).min(1)
    return np.where(there.sum(1) > 1, highest - lowest, math.nan)


@metric(better="higher", title="Worst-group accuracy")
def worst_group_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Smallest accuracy of any (label, group) cell that the split has."""
    return float(_of_the_split(counts).min())


@metric(better="lower", title="Worst-group error")
def worst_group_error(counts: PredictionCounts, train: Train) -> float:
    """1 − the smallest accuracy of any (label, group) cell that the split has."""
    return 1 - worst_group_accuracy(counts, train)


@metric(better="higher", title="Balanced group accuracy")
def balanced_group_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Mean accuracy of the (label, group) cells that the split has."""
    return float(_of_the_split(counts).mean())


@metric(better="lower", title="Balanced group error")
def balanced_group_error(counts: PredictionCounts, train: Train) -> float:
    """1 − the mean accuracy of the (label, group) cells that the split has."""
    return 1 - balanced_group_accuracy(counts, train)


@metric(better="higher", title="Train-weighted accuracy")
def train_weighted_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Σ_yg (N_yg / N) · accuracy of the cell: what to expect on data like the training set.

    The average accuracy of sagawa2020distributionally's Waterbirds, whose test cells are of other
    sizes; undefined where the split lacks a cell that the training set has.
    """
    seen = train > 0
    return float(accuracies(counts)[seen] @ train[seen] / train.sum())


@metric(better="lower", title="Train-weighted error")
def train_weighted_error(counts: PredictionCounts, train: Train) -> float:
    """Σ_yg (N_yg / N) · E_yg: li2021autobalance's standard error on Waterbirds."""
    return 1 - train_weighted_accuracy(counts, train)


@metric(better="lower", title="Symmetric DEO", compares="groups")
def symmetric_deo(counts: PredictionCounts, train: Train) -> float:
    """Mean over labels of the gap between groups: with two, ½ (|E_+1 − E_+2| + |E_−1 − E_−2|).

    kini2021label's Symm-DEO; of more than two labels the mean, too.
    """
    return float(_gaps(accuracies(counts)).mean())


@metric(better="lower", title="DEO (sum)", worst=2.0, compares="groups")
def deo_sum(counts: PredictionCounts, train: Train) -> float:
    """Sum over labels of the gap between groups, in [0, number of labels].

    |E_+1 − E_+2| + |E_−1 − E_−2|, without the ½ that kini2021label has: one of two readings of
    li2021autobalance's DEO. The other is `deo_positive`.
    """
    return float(_gaps(accuracies(counts)).sum())


@metric(better="lower", title="DEO of the positive label", compares="groups")
def deo_positive(counts: PredictionCounts, train: Train) -> float:
    """|E_+1 − E_+2|: the gap of the true positive rate; of problems with two labels alone."""
    return float(_gaps(accuracies(counts))[1]) if counts.shape[1] == 2 else math.nan


@metric(better="lower", title="DEO of the negative label", compares="groups")
def deo_negative(counts: PredictionCounts, train: Train) -> float:
    """|E_−1 − E_−2|: the gap of the false positive rate; of problems with two labels alone."""
    return float(_gaps(accuracies(counts))[0]) if counts.shape[1] == 2 else math.nan


@metric(better="lower", title="Equalized-odds gap", compares="groups")
def equalized_odds_gap(counts: PredictionCounts, train: Train) -> float:
    """Greatest gap between groups of P(prediction = k | label = y), over all y and k.

    0 is equalized odds. With two labels it is the greater of the gaps of the true and of the false
    positive rate; with more, a gap of either kind for any class is part of it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = counts / counts.sum(2, keepdims=True)
    # [predictions, labels, groups], so that each slice is a table of one prediction's rates.
    return float(np.max([_gaps(table) for table in rates.transpose(2, 1, 0)]))


@metric(better="lower", title="Signed DEO", signed=True, compares="groups")
def signed_deo(counts: PredictionCounts, train: Train) -> float:
    """Mean over labels of E of the rarest group − E of the most frequent; 0 is best, not −1.

    Rarest among the training examples of the label; of equal ones, that of higher index. In
    kini2021label's mixtures, where both labels are alike, its R_+1 − R_+2.
    """
    if train.shape[1] < 2:
        return math.nan
    errors = 1 - accuracies(counts)
    labels = np.arange(len(train))
    rarest, most = errors[labels, _rarest(train)], errors[labels, train.argmax(1)]
    return float((rarest - most).mean())


@metric(better="lower", title="Error imbalance", signed=True)
def error_imbalance(counts: PredictionCounts, train: Train) -> float:
    """Error of the rarest class − error of the most frequent; 0 is best, not −1.

    Of equally rare ones that of higher index. With two classes, of which the positive one is rarer,
    R_+ − R_−, as in kini2021label's Fig. 3.
    """
    if len(train) < 2:
        return math.nan
    confusion = counts.sum(0)
    errors = 1 - np.diag(confusion) / confusion.sum(1)
    n = train.sum(1)
    return float(errors[_rarest(n)] - errors[n.argmax()])


def _rarest(sizes: np.ndarray) -> np.ndarray:
    """Index of the smallest along the last axis; of equals the last."""
    return np.asarray(sizes.shape[-1] - 1 - np.flip(sizes, -1).argmin(-1))
