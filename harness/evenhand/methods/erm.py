"""Empirical risk minimisation: the baseline (vapnik1991principles)."""

from __future__ import annotations

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="vapnik1991principles", title="ERM", aliases=("ce",))
def erm() -> Method:
    """Plain cross-entropy over the training set as it is."""
    return Method(Stage(loss=VectorScaling()))
