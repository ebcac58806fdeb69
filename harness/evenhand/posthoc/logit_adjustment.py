"""Logit adjustment of a trained network (menon2021long)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evenhand.declared.decorators import posthoc
from evenhand.declared.labels import Labels
from evenhand.declared.method import Head
from evenhand.losses.per_class import LogPrior
from evenhand.metrics import Outputs
from evenhand.posthoc.outputs import ByLogits, Logits, Predict, Trained, checked


@dataclass(frozen=True)
class LogitAdjusted:
    """argmax_y f_y − τ·log π_y, with π the class priors of the training set; not fitted."""

    tau: float
    needs_validation: ClassVar[bool] = False

    def check(self, labels: Labels, head: Head) -> None:
        """Nothing to check: every τ is valid for all labels and heads."""

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """The prediction by shifted logits. Raises `DataError` for a class without an example."""
        shift = LogPrior(self.tau)(trained.counts.sum(1))

        def adjust(logits: Logits) -> Logits:
            return np.asarray(checked(logits, shift.size) - shift)

        return ByLogits(adjust)


@posthoc(cite="menon2021long", title="LA post-hoc")
def la_posthoc(tau: float = 1.0) -> LogitAdjusted:
    """Logit adjustment after training: subtract τ·log π from the logits.

        argmax_y f_y − τ · log π_y

    menon2021long, eq. 9, with the class priors π of the training set. It is fitted on no data.

    tau  strength of the shift; the paper's 1 is consistent for the balanced error of a calibrated
         network
    """
    return LogitAdjusted(tau)
