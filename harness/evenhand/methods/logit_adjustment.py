"""Logit adjustment in the loss (menon2021long)."""

from __future__ import annotations

from evenhand import losses
from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage


@method(cite="menon2021long", title="LA", aliases=("balanced", "balanced_softmax"))
def la(tau: float = 1.0) -> Method:
    """Logit adjustment: add τ·log π to the logits in the loss, and predict without it.

        ℓ(f, y) = −log softmax(f + Δ)_y,   Δ_c = τ · log π_c

    menon2021long, eq. 10. With τ = 1 the loss is Fisher-consistent for the balanced error;
    narasimhan2021training calls this Balanced, and ren2020balanced Balanced Softmax.

    tau  strength of the shift; a negative value favours frequent classes
    """
    return Method(Stage(loss=losses.la(tau)))
