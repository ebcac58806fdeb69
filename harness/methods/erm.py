"""Empirical risk minimisation: the baseline (vapnik1991principles)."""

from __future__ import annotations

from harness.losses.vector_scaling import VectorScaling
from harness.spec.method import Method, Stage
from harness.spec.registry import method


@method(cite="vapnik1991principles", title="ERM", aliases=("ce",))
def erm() -> Method:
    """Plain cross-entropy over the training set as it is."""
    return Method(Stage(loss=VectorScaling()))
