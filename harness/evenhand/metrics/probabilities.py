"""Metrics of class probabilities, from logits: calibration, proper scores and ranking.

    p_i = softmax(f_i)   class probabilities of example i, from its raw logits f_i
    c_i = max_c p_ic     confidence, the probability of the predicted class

A network that is trained with a loss which shifts or scales the logits, such as LA or VS, estimates
p(y | x) under another prior than that of the data it is trained on. These metrics measure the
softmax of its raw logits, which also make its predictions.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float

from evenhand.declared.decorators import metric
from evenhand.metrics.classes import Train
from evenhand.metrics.outputs import Outputs

BINS = 15
"""Number of bins of the calibration errors, as in guo2017calibration."""


@metric(cite="guo2017calibration", of="logits", better="lower", title="ECE", bounds=(0, 1))
def ece(outputs: Outputs, train: Train) -> float:
    """Expected calibration error: Σ_m |B_m|/n · |accuracy(B_m) − mean confidence(B_m)|.

    The bins B_m have equal width: ((m−1)/15, m/15] of the confidence, m = 1, …, 15.
    """
    ends = np.arange(BINS) / BINS
    bins = np.searchsorted(ends, outputs.confidences, side="left") - 1
    excess = np.bincount(bins, outputs.is_correct - outputs.confidences, BINS)
    return float(np.abs(excess).sum() / len(outputs.labels))


@metric(
    cite="nguyen2015posterior", of="logits", better="lower", title="Adaptive ECE", bounds=(0, 1)
)
def adaptive_ece(outputs: Outputs, train: Train) -> float:
    """Expected calibration error over 15 bins of equally many examples, sorted by confidence.

    The first n mod 15 bins have one example more than the others. Examples of equal confidence
    count with their mean accuracy, so that their order does not matter.
    """
    levels, of = np.unique(outputs.confidences, return_inverse=True)
    accuracy = np.bincount(of, outputs.is_correct) / np.bincount(of)
    parts = np.array_split((accuracy - levels)[np.sort(of)], BINS)
    return float(sum(abs(part.sum()) for part in parts) / len(outputs.labels))


@metric(
    cite="guo2017calibration",
    of="logits",
    better="lower",
    title="NLL",
    unit="nats",
    bounds=(0, None),
)
def nll(outputs: Outputs, train: Train) -> float:
    """Negative log-likelihood: mean of −log p_iy over the examples, in nats.

    The log-softmax is computed in float64 and not clipped. It is the cross-entropy on the split,
    without the weights and shifts of the training loss.
    """
    rows = np.arange(len(outputs.labels))
    return float(-outputs.log_probabilities[rows, outputs.labels].mean())


@metric(
    cite="brier1950verification",
    of="logits",
    better="lower",
    title="Brier score",
    unit="1",
    bounds=(0, 2),
)
def brier(outputs: Outputs, train: Train) -> float:
    """Brier score: mean of Σ_c (p_ic − [y_i = c])² over the examples, in [0, 2].

    With two classes it is twice the score of the positive class alone.
    """
    return float(((outputs.probabilities - _indicators(outputs)) ** 2).sum(1).mean())


@metric(cite="fawcett2006introduction", of="logits", better="higher", title="AUROC", bounds=(0, 1))
def auroc(outputs: Outputs, train: Train) -> float:
    """Area under the ROC curve, one class against the rest, averaged over classes.

    The area of class c is P(p_ic > p_jc) + ½ P(p_ic = p_jc) for an example i of the class and an
    example j of another one. It is undefined if the split lacks a class, or has only one.
    """
    from scipy.stats import rankdata

    positive = _indicators(outputs)
    n, others = positive.sum(0), (~positive).sum(0)
    ranks = rankdata(outputs.log_probabilities, axis=0)
    wins = (ranks * positive).sum(0) - n * (n + 1) / 2
    return float((wins / (n * others)).mean())


@metric(cite="davis2006relationship", of="logits", better="higher", title="AUPRC", bounds=(0, 1))
def auprc(outputs: Outputs, train: Train) -> float:
    """Average precision, one class against the rest, averaged over classes.

    The average precision of a class is Σ_k (R_k − R_{k−1}) P_k over its distinct probabilities in
    descending order, with precision P_k and recall R_k at that threshold, without interpolation. A
    classifier without information has the class's share of the split. It is undefined if the split
    lacks a class, or has only one.
    """
    positive = _indicators(outputs)
    if positive.all(0).any():
        return math.nan
    columns = zip(outputs.log_probabilities.T, positive.T, strict=True)
    return float(np.mean([_average_precision(s, is_class) for s, is_class in columns]))


def _average_precision(scores: Float[np.ndarray, " n"], positive: Bool[np.ndarray, " n"]) -> float:
    """Average precision of one class; NaN without an example of it."""
    order = np.argsort(-scores, kind="stable")
    hits, falling = np.cumsum(positive[order]), scores[order]
    # Examples of equal scores pass a threshold together.
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    precision = hits[last] / (last + 1)
    return float(np.diff(hits[last], prepend=0) @ precision / np.float64(hits[-1]))


def _indicators(outputs: Outputs) -> Bool[np.ndarray, "n classes"]:
    """Whether each example is of each class."""
    return np.asarray(outputs.labels[:, None] == np.arange(outputs.logits.shape[1]))
