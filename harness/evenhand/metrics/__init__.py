"""Metrics, each a pure function of an evaluation's counts and the training counts.

    counts  [groups, labels, predictions]  examples of one split at one checkpoint
    train   [labels, groups]               examples that were trained on

Scores are fractions. A metric that is undefined on these counts, because the split lacks a class or
a quotient is 0/0, is None and never 0.

>>> counts = count([0, 0, 1, 1, 2], [0, 1, 1, 1, 0], n_classes=3)
>>> score("balanced_accuracy", counts, [500, 50, 5])
0.5
"""

from evenhand.metrics.classes import Train, recalls, tail
from evenhand.metrics.counting import count
from evenhand.metrics.scoring import better, score

__all__ = ["Train", "better", "count", "recalls", "score", "tail"]

IMPORT_ALL = True
