"""τ-normalised classifiers (kang2020decoupling)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from evenhand.declared.labels import Labels
from evenhand.declared.method import Head
from evenhand.declared.registry import posthoc
from evenhand.errors import DataError, Mistake, SpecError
from evenhand.posthoc.outputs import Logits, Outputs, Predict, Trained, checked


@dataclass(frozen=True)
class TauNormalised:
    """argmax_y (f_y − b_y) / ‖w_y‖^τ, w and b the last layer's; fitted on no data."""

    tau: float
    needs_validation: ClassVar[bool] = False

    def check(self, labels: Labels, head: Head) -> None:
        """Raises `SpecError` for a cosine head, whose weights have no length."""
        if head == "cosine":
            what = "tau_norm is for a linear head, and this method has a cosine head"
            raise SpecError([Mistake(what, (), "its weights are normalised already")])

    def fit(self, trained: Trained, val: Outputs | None) -> Predict:
        """Raises `DataError` for a network without such a layer, or a class without weights."""
        norms = _norms(trained)
        bias = np.zeros(norms.size) if trained.head_bias is None else trained.head_bias

        def predict(logits: Logits) -> np.ndarray:
            return np.asarray(((checked(logits, norms.size) - bias) / norms**self.tau).argmax(1))

        return predict


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


@posthoc(cite="kang2020decoupling", title="τ-norm")
def tau_norm(tau: Annotated[float, Field(ge=0)] = 1.0) -> TauNormalised:
    """Divide each class's weights in the last layer by the τ-th power of their norm.

    The paper's logits have no bias, and its code drops the bias of a layer that has one, at τ = 0
    too. It chooses τ for each data set out of 0, 0.1, …, 2; 1 makes all norms equal.
    """
    return TauNormalised(tau)
