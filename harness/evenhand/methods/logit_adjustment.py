"""Logit adjustment in the loss (menon2021long)."""

from __future__ import annotations

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.per_class import LogPrior
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="menon2021long", title="LA", aliases=("balanced",))
def la(tau: float = 1.0) -> Method:
    """Logit adjustment: add τ·log π to the logits in the loss, predict without.

    τ = 1 is the paper's, consistent for balanced error, and what narasimhan2021training calls
    Balanced. A negative τ favours frequent classes.
    """
    return Method(Stage(loss=VectorScaling(delta=LogPrior(tau))))
