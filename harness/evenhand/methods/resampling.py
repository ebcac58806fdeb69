"""Re-sampling of the training set by class (buda2018systematic)."""

from __future__ import annotations

from typing import Literal

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.per_class import EffectiveNumber, InversePrior
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.sampling import ClassWeighted


@method(cite="buda2018systematic", title="Re-sampling")
def resample(by: Literal["prior", "effective_number"] = "prior") -> Method:
    """Re-sampling: cross-entropy on an epoch that is drawn with replacement, by class.

    An epoch has as many draws as there are training examples (buda2018systematic).

    by  "prior": an example of class y is drawn with probability ∝ 1/π_y, so that all classes are
        drawn equally often (kini2021label, Sec. 5.1). "effective_number": the weights of `cb` with
        b = 0.9999, which the code released with LDAM and VS builds. Its data loader never uses
        them, so no printed number comes from them
    """
    weight = InversePrior() if by == "prior" else EffectiveNumber(0.9999)
    return Method(Stage(loss=VectorScaling(), sampler=ClassWeighted(weight)))
