"""Metrics by class, over all groups: accuracy, recall, precision, coverage."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int, Real

from evenhand.declared.decorators import metric
from evenhand.declared.labels import PredictionCounts

Train = Int[np.ndarray, "labels groups"]
MANY, FEW = 100, 20


def recalls(counts: PredictionCounts) -> Float[np.ndarray, " labels"]:
    """Recall of each class over all groups; NaN for classes without an example in the split.

    >>> recalls(np.array([[[8, 2], [1, 9]]]))
    array([0.8, 0.9])
    """
    confusion = counts.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.diag(confusion) / confusion.sum(1))


def _precisions(counts: PredictionCounts) -> Float[np.ndarray, " labels"]:
    confusion = counts.sum(0)
    return np.asarray(np.diag(confusion) / confusion.sum(0))


def _mean_recall_where(keep: np.ndarray, counts: PredictionCounts) -> float:
    return float(recalls(counts)[keep].mean()) if keep.any() else math.nan


@metric(better="higher", title="Accuracy", bounds=(0, 1))
def accuracy(counts: PredictionCounts, train: Train) -> float:
    """Share of the examples that are predicted correctly."""
    return float(np.trace(counts.sum(0)) / counts.sum())


@metric(better="lower", title="Error", bounds=(0, 1))
def error(counts: PredictionCounts, train: Train) -> float:
    """Share of the examples that are misclassified: 1 − accuracy."""
    return 1 - accuracy(counts, train)


@metric(better="higher", title="Balanced accuracy", bounds=(0, 1))
def balanced_accuracy(counts: PredictionCounts, train: Train) -> float:
    """Mean recall over classes."""
    return float(recalls(counts).mean())


@metric(better="lower", title="Balanced error", bounds=(0, 1))
def balanced_error(counts: PredictionCounts, train: Train) -> float:
    """Mean error over classes: 1 − balanced accuracy."""
    return 1 - balanced_accuracy(counts, train)


@metric(better="higher", title="Worst-class recall", bounds=(0, 1))
def min_recall(counts: PredictionCounts, train: Train) -> float:
    """Smallest recall over classes."""
    return float(recalls(counts).min())


@metric(better="lower", title="Worst-class error", bounds=(0, 1))
def worst_class_error(counts: PredictionCounts, train: Train) -> float:
    """Largest error over classes: 1 − the smallest recall."""
    return 1 - min_recall(counts, train)


@metric(better="higher", title="G-mean", bounds=(0, 1))
def g_mean(counts: PredictionCounts, train: Train) -> float:
    """Geometric mean of the recall over classes."""
    with np.errstate(divide="ignore"):
        return float(np.exp(np.log(recalls(counts)).mean()))


@metric(better="higher", title="Macro F1", bounds=(0, 1))
def macro_f1(counts: PredictionCounts, train: Train) -> float:
    """Mean F1 over classes: 2·C_yy / (number of labels y + number of predictions y)."""
    confusion = counts.sum(0)
    return float((2 * np.diag(confusion) / (confusion.sum(0) + confusion.sum(1))).mean())


@metric(cite="gorodkin2004comparing", better="higher", title="MCC", bounds=(-1, 1))
def mcc(counts: PredictionCounts, train: Train) -> float:
    """Matthews correlation coefficient: the correlation of labels and predictions, in [−1, 1].

    With several classes it is R_K of gorodkin2004comparing, (n Σ_y C_yy − Σ_y t_y p_y) /
    √((n² − Σ t_y²)(n² − Σ p_y²)) for t_y labels and p_y predictions of class y. It is undefined if
    only one class is predicted, or has examples.
    """
    confusion = counts.sum(0).astype(np.float64)
    labels, predictions, n = confusion.sum(1), confusion.sum(0), confusion.sum()
    covariance = n * np.trace(confusion) - labels @ predictions
    return float(
        covariance / np.sqrt((n**2 - labels @ labels) * (n**2 - predictions @ predictions))
    )


@metric(better="higher", title="Worst-class precision", bounds=(0, 1))
def min_precision(counts: PredictionCounts, train: Train) -> float:
    """Smallest precision over classes; undefined if a class is never predicted."""
    return float(_precisions(counts).min())


@metric(better="higher", title="Min coverage", bounds=(0, 1))
def min_coverage(counts: PredictionCounts, train: Train) -> float:
    """Smallest coverage over classes: the share of all predictions that is of the class."""
    confusion = counts.sum(0)
    return float(confusion.sum(0).min() / confusion.sum())


@metric(better="higher", title="Min head–tail recall", bounds=(0, 1))
def min_head_tail_recall(counts: PredictionCounts, train: Train) -> float:
    """The smaller of the mean recalls of the head (90 % of the classes, by size) and the tail."""
    rare = tail(train.sum(1))
    halves = _mean_recall_where(~rare, counts), _mean_recall_where(rare, counts)
    # Python's min depends on the order of its arguments if one is NaN.
    return float(np.minimum(*halves))


@metric(better="higher", title="Min head–tail coverage", bounds=(0, 1))
def min_head_tail_coverage(counts: PredictionCounts, train: Train) -> float:
    """The smaller of the mean coverages of the classes of the head and of the tail."""
    coverage = counts.sum((0, 1)) / counts.sum()
    rare = tail(train.sum(1))
    # NaN for a single class, which is the tail and leaves no head.
    return float(np.minimum(*(coverage @ half / (half.sum() or np.nan) for half in (~rare, rare))))


def tail(counts: Real[np.ndarray, " labels"]) -> np.ndarray:
    """Whether each class is of the tail, the tenth of the classes with fewest training examples.

    The tail has 10 of 100 classes, 20 of 200, and one of fewer than ten. Among classes of equal
    size those of higher index belong to the tail.
    """
    is_tail = np.zeros(counts.size, dtype=bool)
    order = np.argsort(-counts, kind="stable")
    is_tail[order[counts.size - max(1, counts.size // 10) :]] = True
    return is_tail


@metric(better="higher", title="Many", bounds=(0, 1))
def many_recall(counts: PredictionCounts, train: Train) -> float:
    """Mean recall of the classes with more than 100 training examples."""
    return _mean_recall_where(train.sum(1) > MANY, counts)


@metric(better="higher", title="Medium", bounds=(0, 1))
def medium_recall(counts: PredictionCounts, train: Train) -> float:
    """Mean recall of the classes with 20 to 100 training examples."""
    n = train.sum(1)
    return _mean_recall_where((n >= FEW) & (n <= MANY), counts)


@metric(better="higher", title="Few", bounds=(0, 1))
def few_recall(counts: PredictionCounts, train: Train) -> float:
    """Mean recall of the classes with fewer than 20 training examples."""
    return _mean_recall_where(train.sum(1) < FEW, counts)


@metric(better="higher", title="Weighted accuracy", reads=("label", "weight"), bounds=(0, 1))
def weighted_accuracy(counts: PredictionCounts, train: Train, label: int, weight: float) -> float:
    """Accuracy with a weight on one class: Σ_y g_y C_yy / Σ_y g_y π_y.

    g is the method's `weight` for its `label` and 1 for the other classes. narasimhan2021training,
    Fig. 1, prints Σ g_y C_yy / Σ g_y, which on equally many images of each class is the same
    divided by the number of classes.
    """
    confusion = counts.sum(0)
    gains = np.ones(len(confusion))
    gains[label] = weight
    return float(gains @ np.diag(confusion) / (gains @ confusion.sum(1)))
