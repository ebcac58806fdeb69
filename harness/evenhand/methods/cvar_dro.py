"""CVaR-DRO, which needs neither classes nor groups (levy2020large)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.reductions import CVaR
from evenhand.losses.vector_scaling import VectorScaling


@method(cite="levy2020large", title="CVaR-DRO")
def cvar_dro(alpha: Annotated[float, Field(gt=0, le=1)] = 0.1) -> Method:
    """CVaR-DRO: the mean cross-entropy of the worst share α of each batch.

        L = max_q Σ_i q_i ℓ_i   subject to   0 ≤ q_i ≤ 1/(α n),   Σ q = 1

    levy2020large, on batches of n examples and without regularisation; the formula is quoted from
    memory and was not verified. It uses no groups in training. α = 1 is ERM. α = 0.1 is our choice.

    alpha  α, the share of the examples that counts
    """
    return Method(Stage(loss=VectorScaling(), reduce=CVaR(alpha)))
