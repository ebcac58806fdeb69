"""Re-sampling: rare classes are drawn more often (buda2018systematic)."""

from __future__ import annotations

from typing import Literal

from evenhand.declared.method import Method, Stage
from evenhand.declared.registry import method
from evenhand.losses.per_class import EffectiveNumber, InversePrior
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.sampling import ClassWeighted


@method(cite="buda2018systematic", title="Re-sampling")
def resample(by: Literal["prior", "effective_number"] = "prior") -> Method:
    """Cross-entropy on as many examples as there are, drawn with replacement by class.

    by="prior" draws an example of class y with probability ∝ 1/π_y, so that all classes come
    equally often (kini2021label, Sec. 5.1). by="effective_number" is what the code released with
    LDAM and VS makes, b = 0.9999; its loader never uses it, so no number printed comes from it.
    """
    weight = InversePrior() if by == "prior" else EffectiveNumber(0.9999)
    return Method(Stage(loss=VectorScaling(), sampler=ClassWeighted(weight)))
