"""Empirical risk minimisation, the baseline (vapnik1991principles)."""

from __future__ import annotations

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage


@method(cite="vapnik1991principles", title="ERM", aliases=("ce",))
def erm() -> Method:
    """Empirical risk minimisation with cross-entropy, without any correction of imbalance.

        ℓ(f, y) = −log softmax(f)_y

    Every example is drawn once an epoch and has weight 1 (vapnik1991principles).
    """
    return Method(Stage(loss=losses.ce()))
