"""Metrics of classes, whatever the group: accuracy, recall, precision, coverage."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int, Real

from evenhand.declared.labels import PredictionCounts
from evenhand.declared.registry import metric

Train = Int[np.ndarray, "labels groups"]
MANY, FEW = 100, 20


def recalls(counts: PredictionCounts) -> Float[np.ndarray, " labels"]:
    """Recall of each class over all groups; NaN for a class that the split lacks."""
    confusion = counts.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.diag(confusion) / confusion.sum(1))


def _precisions(counts: PredictionCounts) -> Float[np.ndarray, " labels"]:
    confusion = counts.sum(0)
    return np.asarray(np.diag(confusion) / confusion.sum(0))


def _mean_recall_where(keep: np.ndarray, counts: PredictionCounts) -> float:
    return float(recalls(counts)[keep].mean()) if keep.any() else math.nan


@metric(better="higher", title="Accuracy")
def accuracy(counts: PredictionCounts, train: Train) -> float:
    """Share of the split that is predicted correctly."""
    return float(np.trace(counts.sum(0)) / counts.sum())


@metric(better="lower", title="Error")
def error(counts: PredictionCounts, train: Train) -> float:
    """1 − accuracy."""
    return 1 - accuracy(counts, train)


@metric(better="higher", title="Balanced accuracy")
def balanced_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Mean over classes of the recall."""
    return float(recalls(counts).mean())


@metric(better="lower", title="Balanced error")
def balanced_error(counts: PredictionCounts, train: Train) -> float:
    """1 − balanced accuracy."""
    return 1 - balanced_accuracy(counts, train)


@metric(better="higher", title="Worst-class recall")
def min_recall(counts: PredictionCounts, train: Train) -> float:
    """Smallest recall of any class."""
    return float(recalls(counts).min())


@metric(better="lower", title="Worst-class error")
def worst_class_error(counts: PredictionCounts, train: Train) -> float:
    """1 − the smallest recall of any class."""
    return 1 - min_recall(counts, train)


@metric(better="higher", title="G-mean")
def g_mean(counts: PredictionCounts, train: Train) -> float:
    """Geometric mean over classes of the recall."""
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(recalls(counts)).mean()))


@metric(better="higher", title="Macro F1")
def macro_f1(counts: PredictionCounts, train: Train) -> float:
    """Mean over classes of 2·C_yy / (label count + prediction count)."""
    confusion = counts.sum(0)
    return float((2 * np.diag(confusion) / (confusion.sum(0) + confusion.sum(1))).mean())


@metric(better="higher", title="Worst-class precision")
def min_precision(counts: PredictionCounts, train: Train) -> float:
    """Smallest precision of any class; undefined where a class is never predicted."""
    return float(_precisions(counts).min())


@metric(better="higher", title="Min coverage")
def min_coverage(counts: PredictionCounts, train: Train) -> float:
    """Smallest share of the predictions that any class gets."""
    confusion = counts.sum(0)
    return float(confusion.sum(0).min() / confusion.sum())


@metric(better="higher", title="Min head–tail recall")
def min_head_tail_recall(counts: PredictionCounts, train: Train) -> float:
    """The smaller mean recall of head (90 % of the classes by training size) and tail (10 %)."""
    rare = tail(train.sum(1))
    halves = _mean_recall_where(~rare, counts), _mean_recall_where(rare, counts)
    # Python's min of a number and NaN depends on their order.
    return float(np.minimum(*halves))


@metric(better="higher", title="Min head–tail coverage")
def min_head_tail_coverage(counts: PredictionCounts, train: Train) -> float:
    """The smaller of head's and tail's mean share of the predictions, class by class."""
    coverage = counts.sum((0, 1)) / counts.sum()
    rare = tail(train.sum(1))
    # NaN for a single class, which leaves no head.
    return float(np.minimum(*(coverage @ half / (half.sum() or np.nan) for half in (~rare, rare))))


def tail(counts: Real[np.ndarray, " labels"]) -> np.ndarray:
    """Whether a class is of the tail: the tenth of the classes with fewest training examples.

    90 and 10 of 100 classes, 180 and 20 of 200; of fewer than ten classes, one. Of classes with
    as many examples, those of higher index are the tail.
    """
    is_tail = np.zeros(counts.size, dtype=bool)
    order = np.argsort(-counts, kind="stable")
    is_tail[order[counts.size - max(1, counts.size // 10) :]] = True
    return is_tail


@metric(better="higher", title="Many")
def many_recall(counts: PredictionCounts, train: Train) -> float:
    """Mean recall of the classes with more than 100 training examples."""
    return _mean_recall_where(train.sum(1) > MANY, counts)


@metric(better="higher", title="Medium")
def medium_recall(counts: PredictionCounts, train: Train) -> float:
    """Mean recall of the classes with 20 to 100 training examples."""
    n = train.sum(1)
    return _mean_recall_where((n >= FEW) & (n <= MANY), counts)


@metric(better="higher", title="Few")
def few_recall(counts: PredictionCounts, train: Train) -> float:
    """Mean recall of the classes with fewer than 20 training examples."""
    return _mean_recall_where(train.sum(1) < FEW, counts)


@metric(better="higher", title="Weighted accuracy", reads=("label", "weight"))
def weighted_accuracy(counts: PredictionCounts, train: Train, label: int, weight: float) -> float:
    """Σ_y g_y C_yy / Σ_y g_y π_y, where the method's class has the gain g and any other 1.

    narasimhan2021training (Fig. 1) prints Σ g_y C_yy / Σ g_y, which on as many images of each class
    is this divided by their number.
    """
    confusion = counts.sum(0)
    gains = np.ones(len(confusion))
    gains[label] = weight
    return float(gains @ np.diag(confusion) / (gains @ confusion.sum(1)))
