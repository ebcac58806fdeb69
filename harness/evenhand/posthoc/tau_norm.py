"""τ-normalised classifiers (kang2020decoupling)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from evenhand.declared.decorators import posthoc
from evenhand.declared.labels import Labels
from evenhand.declared.method import Head
from evenhand.errors import DataError, Mistake, SpecError
from evenhand.metrics import Outputs
from evenhand.posthoc.outputs import ByLogits, Logits, Predict, Trained, checked


@dataclass(frozen=True)
class TauNormalised:
    """argmax_y (f_y − b_y) / ‖w_y‖^τ, with w and b of the last layer; not fitted."""

    tau: float
    needs_validation: ClassVar[bool] = False

    def check(self, labels: Labels, head: Head) -> None:
        """Check the head. Raises `SpecError` for a cosine head, whose weights are normalised."""
        if head == "cosine":
            what = "tau_norm is for a linear head, and this method has a cosine head"
            raise SpecError([Mistake(what, (), "its weights are normalised already")])

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """The prediction. Raises `DataError` without a linear last layer, or for weights of 0."""
        norms = _norms(trained)
        bias = np.zeros(norms.size) if trained.head_bias is None else trained.head_bias

        def adjust(logits: Logits) -> Logits:
            return np.asarray((checked(logits, norms.size) - bias) / norms**self.tau)

        return ByLogits(adjust)


def _norms(trained: Trained) -> np.ndarray:
    if trained.head_norms is None:
        raise DataError(
            "this network has no last layer with a weight vector for each class\n"
            "  tau_norm divides by their norms: take a network that ends in a linear layer"
        )
    norms = trained.head_norms.astype(np.float64)
    empty = [name for name, norm in zip(trained.classes, norms, strict=True) if not norm > 0]
    if empty:
        raise DataError(
            f"the last layer's weights are all 0 for {', '.join(empty[:8])}\n"
            "  tau_norm divides by their norm: train with less weight decay"
        )
    return norms


@posthoc(cite="kang2020decoupling", title="τ-norm", version=2)
def tau_norm(tau: Annotated[float, Field(ge=0)] = 1.0) -> TauNormalised:
    """τ-normalisation: divide each class's last-layer weights by the τ-th power of their norm.

        argmax_y (f_y − b_y) / ‖w_y‖^τ

    kang2020decoupling. The logits of the paper have no bias, and its code drops the bias of a layer
    that has one, for τ = 0 as well. It is fitted on no data.

    tau  τ; 1 makes all norms equal. The paper chooses it for each data set from 0, 0.1, …, 2
    """
    return TauNormalised(tau)
