"""Logit adjustment of a trained network (menon2021long)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evenhand.declared.labels import Labels
from evenhand.declared.method import Head
from evenhand.declared.registry import posthoc
from evenhand.losses.per_class import LogPrior
from evenhand.posthoc.outputs import Logits, Outputs, Predict, Trained, checked


@dataclass(frozen=True)
class LogitAdjusted:
    """argmax_y f_y − τ·log π_y, π the training shares; fitted on no data."""

    tau: float
    needs_validation: ClassVar[bool] = False

    def check(self, labels: Labels, head: Head) -> None:
        """Any τ will do, for any classes."""

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """Raises `DataError` for a class without a training example."""
        shift = LogPrior(self.tau)(trained.counts.sum(1))

        def predict(logits: Logits) -> np.ndarray:
            return np.asarray((checked(logits, shift.size) - shift).argmax(1))

        return predict


@posthoc(cite="menon2021long", title="LA post-hoc")
def la_posthoc(tau: float = 1.0) -> LogitAdjusted:
    """Logit adjustment after training: subtract τ·log π from the logits.

    τ = 1 is the paper's, consistent for balanced error where the network is calibrated.
    """
    return LogitAdjusted(tau)
