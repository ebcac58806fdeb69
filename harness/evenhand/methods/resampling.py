"""Re-sampling of the training set by class (buda2018systematic, kang2020decoupling)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from evenhand.declared.decorators import method
from evenhand.declared.method import Method, Stage
from evenhand.losses.per_class import DrawPower, EffectiveNumber, InversePrior
from evenhand.losses.vector_scaling import VectorScaling
from evenhand.sampling import ClassWeighted, Progressive


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


@method(cite="kang2020decoupling", title="Square-root sampling")
def square_root_sampling(q: Annotated[float, Field(ge=0, le=1)] = 0.5) -> Method:
    """Square-root sampling: cross-entropy on draws in which class y has probability ∝ √n_y.

        p_y = n_y^q / Σ_c n_c^q

    kang2020decoupling, whose formula is quoted from memory and was not verified. An epoch has as
    many draws, with replacement, as there are training examples. q = 1 draws every example equally
    often, and q = 0 every class, as `resample`.

    q  exponent of the number of training examples
    """
    return Method(Stage(loss=VectorScaling(), sampler=ClassWeighted(DrawPower(q))))


@method(cite="kang2020decoupling", title="Progressive sampling")
def progressive_sampling() -> Method:
    """Progressive sampling: cross-entropy on draws that become balanced over the epochs.

        p_y(t) = (1 − t/T) · n_y/N + (t/T) · 1/C

    p_y is the probability of class y in epoch t of T (kang2020decoupling, whose formula is quoted
    from memory and was not verified). An epoch has as many draws, with replacement, as there are
    training examples. That epochs are counted from 0, so that the last one has t = T − 1, is ours.
    """
    return Method(Stage(loss=VectorScaling(), sampler=Progressive(InversePrior())))
