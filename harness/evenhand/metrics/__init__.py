"""Metrics, each a pure function of an evaluation's counts, or of its logits, and training counts.

    counts  [groups, labels, predictions]  examples of one split at one checkpoint
    train   [labels, groups]               examples that were trained on

A metric of class probabilities (ECE, NLL, Brier score, AUROC, AUPRC) is a function of the logits
instead, as `outputs` makes them.

Scores are fractions, except that NLL is in nats. A metric that is undefined on this evaluation,
because the split lacks a class or a quotient is 0/0, is None and never 0.

>>> counts = count([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], n_classes=3)
>>> score("balanced_accuracy", counts, [500, 50, 5])
0.5
>>> score("brier", outputs([[0.0, 0.0], [0.0, 0.0]], [0, 1]), [500, 50])
0.5
"""

from evenhand.metrics.classes import Train, recalls, tail
from evenhand.metrics.counting import count
from evenhand.metrics.outputs import Outputs, outputs
from evenhand.metrics.scoring import better, bounds, is_of_logits, score, unit, version_of

__all__ = [
    "Outputs",
    "Train",
    "better",
    "bounds",
    "count",
    "is_of_logits",
    "outputs",
    "recalls",
    "score",
    "tail",
    "unit",
    "version_of",
]

IMPORT_ALL = True
