"""Every metric is a pure function of an evaluation's counts and the training counts.

    counts  [groups, labels, predictions]  examples of one split at one checkpoint
    train   [labels, groups]               examples that were trained on

Scores are fractions. A metric that is undefined on these counts (a class that the split lacks, a
quotient of zeros) is None, never 0.
"""

from evenhand.metrics.classes import Train, recalls, tail
from evenhand.metrics.scoring import better, score

__all__ = ["IMPORT_ALL", "Train", "better", "recalls", "score", "tail"]

IMPORT_ALL = True
