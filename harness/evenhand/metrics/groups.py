"""Metrics of (label, group) cells: the worst cell, the mean, and the gaps between groups.

    E_yg  error of cell (y, g): the share of its examples that are misclassified

A gap is max − min over the groups of a label. With two groups it is |E_y1 − E_y2|, which papers
call DEO, the difference of equal opportunity. It is undefined if a label of the split has fewer
than two groups. The worst and the mean cell are undefined if the split lacks a cell of the
training set; without groups, a cell is a label. For two labels the second one is the positive label
(+), as in the tables of Waterbirds and CelebA.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from evenhand.declared.decorators import metric
from evenhand.declared.labels import PredictionCounts
from evenhand.metrics.classes import Train


def accuracies(counts: PredictionCounts) -> Float[np.ndarray, "labels groups"]:
    """Accuracy of each (label, group) cell; NaN for cells without an example in the split."""
    correct = np.diagonal(counts, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((correct / counts.sum(2)).T)


def _of_cells(counts: PredictionCounts, train: Train) -> Float[np.ndarray, " cells"]:
    """Accuracies of the cells with examples in the split or in the training set.

    NaN for a cell of the training set that the split lacks. A combination that neither has, such as
    a group without one of the labels, is no cell of the problem.
    """
    found = accuracies(counts)
    there = found[~np.isnan(found) | (train > 0)]
    return there if there.size else np.array([math.nan])


def _gaps(rates: Float[np.ndarray, "labels groups"]) -> Float[np.ndarray, " labels"]:
    """Gap of each label, max − min over its groups; NaN for labels with fewer than two groups."""
    if rates.shape[1] < 2:
        return np.full(len(rates), math.nan)
    # A group without the label is left out; a label then needs two other groups.
    there = ~np.isnan(rates)
    highest = np.where(there, rates, -math.inf).max(1)
    lowest = np.where(there, rates, math.inf).min(1)
    return np.where(there.sum(1) > 1, highest - lowest, math.nan)


@metric(better="higher", title="Worst-group accuracy", over="cells", bounds=(0, 1))
def worst_group_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Smallest accuracy over the (label, group) cells; undefined if the split lacks one."""
    return float(_of_cells(counts, train).min())


@metric(better="lower", title="Worst-group error", over="cells", bounds=(0, 1))
def worst_group_error(counts: PredictionCounts, train: Train) -> float:
    """Largest error over the (label, group) cells; undefined if the split lacks one."""
    return 1 - worst_group_accuracy(counts, train)


@metric(better="higher", title="Balanced group accuracy", over="cells", bounds=(0, 1))
def balanced_group_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Mean accuracy over the (label, group) cells; undefined if the split lacks one."""
    return float(_of_cells(counts, train).mean())


@metric(better="lower", title="Balanced group error", over="cells", bounds=(0, 1))
def balanced_group_error(counts: PredictionCounts, train: Train) -> float:
    """Mean error over the (label, group) cells; undefined if the split lacks one."""
    return 1 - balanced_group_accuracy(counts, train)


@metric(better="higher", title="Train-weighted accuracy", bounds=(0, 1))
def train_weighted_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Accuracy over cells, weighted by their training sizes: Σ_yg (N_yg / N) · accuracy_yg.

    This estimates the accuracy on data with the cell sizes of the training set, and is the average
    accuracy of Waterbirds in sagawa2020distributionally. It is undefined if the split lacks a cell
    of the training set.
    """
    seen = train > 0
    return float(accuracies(counts)[seen] @ train[seen] / train.sum())


@metric(better="lower", title="Train-weighted error", bounds=(0, 1))
def train_weighted_error(counts: PredictionCounts, train: Train) -> float:
    """Error over cells, weighted by their training sizes: Σ_yg (N_yg / N) · E_yg.

    li2021autobalance calls it the standard error on Waterbirds.
    """
    return 1 - train_weighted_accuracy(counts, train)


@metric(better="lower", title="Symmetric DEO", compares="groups", bounds=(0, 1))
def symmetric_deo(counts: PredictionCounts, train: Train) -> float:
    """Mean gap over labels: ½ (|E_+1 − E_+2| + |E_−1 − E_−2|) with two labels and two groups.

    kini2021label calls it Symm-DEO.
    """
    return float(_gaps(accuracies(counts)).mean())


@metric(better="lower", title="DEO (sum)", worst=2.0, compares="groups", bounds=(0, None))
def deo_sum(counts: PredictionCounts, train: Train) -> float:
    """Sum of the gaps over labels, in [0, number of labels].

    With two labels it is |E_+1 − E_+2| + |E_−1 − E_−2|, without the ½ of kini2021label. It is one
    of two readings of the DEO in li2021autobalance; the other is `deo_positive`.
    """
    return float(_gaps(accuracies(counts)).sum())


@metric(better="lower", title="DEO of the positive label", compares="groups", bounds=(0, 1))
def deo_positive(counts: PredictionCounts, train: Train) -> float:
    """Gap of the true positive rate, |E_+1 − E_+2|, for problems with two labels."""
    return float(_gaps(accuracies(counts))[1]) if counts.shape[1] == 2 else math.nan


@metric(better="lower", title="DEO of the negative label", compares="groups", bounds=(0, 1))
def deo_negative(counts: PredictionCounts, train: Train) -> float:
    """Gap of the false positive rate, |E_−1 − E_−2|, for problems with two labels."""
    return float(_gaps(accuracies(counts))[0]) if counts.shape[1] == 2 else math.nan


@metric(better="lower", title="Equalized-odds gap", compares="groups", bounds=(0, 1))
def equalized_odds_gap(counts: PredictionCounts, train: Train) -> float:
    """Largest gap between groups of P(prediction = k | label = y), over all y and k.

    0 means equalized odds. With two labels it is the larger of the gaps of the true and the false
    positive rate.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = counts / counts.sum(2, keepdims=True)
    # [predictions, labels, groups], so that each slice has the rates of one prediction.
    return float(np.max([_gaps(table) for table in rates.transpose(2, 1, 0)]))


@metric(better="lower", title="Signed DEO", signed=True, compares="groups", bounds=(-1, 1))
def signed_deo(counts: PredictionCounts, train: Train) -> float:
    """Mean over labels of the error of the rarest group − that of the most frequent; best at 0.

    Groups are compared by the training examples of the label; among equal ones the group of higher
    index is the rarest. For the mixtures of kini2021label, where both labels are alike, this is
    R_+1 − R_+2.
    """
    if train.shape[1] < 2:
        return math.nan
    errors = 1 - accuracies(counts)
    labels = np.arange(len(train))
    rarest, most = errors[labels, _rarest(train)], errors[labels, train.argmax(1)]
    return float((rarest - most).mean())


@metric(better="lower", title="Error imbalance", signed=True, bounds=(-1, 1))
def error_imbalance(counts: PredictionCounts, train: Train) -> float:
    """Error of the rarest class − error of the most frequent class; best at 0.

    Among equally rare classes the one of higher index is the rarest. With two classes, the positive
    one rarer, this is R_+ − R_− of kini2021label, Fig. 3.
    """
    if len(train) < 2:
        return math.nan
    confusion = counts.sum(0)
    errors = 1 - np.diag(confusion) / confusion.sum(1)
    n = train.sum(1)
    return float(errors[_rarest(n)] - errors[n.argmax()])


def _rarest(sizes: np.ndarray) -> np.ndarray:
    """Index of the smallest along the last axis; the last of equal ones."""
    return np.asarray(sizes.shape[-1] - 1 - np.flip(sizes, -1).argmin(-1))
