"""Losses for a gain matrix, minimised by the decision argmax_j Σ_i G_ij p_i.

They are those of narasimhan2021training:

    G[i, j]  gain of predicting j for label i, or G[g, i, j] for label i of group g; it may change
             during training
    s, p     logits, and class probabilities of the input

    re-weighted        −Σ_i G_yi log softmax_i(s)
    logit-adjusted     −log softmax_y(s − log diag G)                      G diagonal
    hybrid             −Σ_i M_yi log softmax_i(s − log d),   M = G diag(d)⁻¹
    softmax-shifted    −log(K q_y − β_y/α_y),   q = softmax(s − log α),   K = 1 + Σ_y β_y/α_y
                                                                           G = diag(α) + 1 βᵀ

The hybrid loss with d = 1 is the re-weighted loss. With d = diag G for a diagonal G it is the
logit-adjusted loss. For any d > 0 it is minimised by s = log(Gᵀp), up to a constant.

With gains over groups, M is G_gij / d_j with one row for each (label, group) cell, and the hybrid
loss is minimised by s_j = log Σ_gi G_gij p(g, i|x). This is the decision of a classifier whose
input does not include the group.

A number added to a row of G changes Σ_i G_ij p_i by the same amount for all j, so the decision does
not change. Negative gains, which would leave a weighted loss without a lower bound, are made
non-negative in this way. The paper does not specify how.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from evenhand.declared.labels import TrainingCounts
from evenhand.errors import Mistake, SpecError
from evenhand.losses.declared import DeclaredLoss
from evenhand.losses.gains import (
    Gains,
    HybridParts,
    ShiftedParts,
    by_cell,
    diagonal_and_columns,
    floored,
    non_negative,
    over_classes,
)
from evenhand.losses.per_class import ONE, ClassCounts, InversePrior, PerClass

if TYPE_CHECKING:
    import torch

    from evenhand.losses.cost_kernel import BoundHybrid, BoundSoftmaxShifted

Variant = Literal["shifted", "linearised", "hybrid"]


@runtime_checkable
class StartGains(Protocol):
    """Function that computes the initial gains from the training counts."""

    def __call__(self, counts: ClassCounts) -> Gains: ...


@dataclass(frozen=True)
class AverageRecall:
    """G = diag(1/(m π)), the gains of the average recall of m classes.

    They belong to uniform multipliers of a worst recall and to zero multipliers of constraints.
    """

    def __call__(self, counts: ClassCounts) -> Gains:
        return np.asarray(np.diag(InversePrior()(counts) / counts.size))


@dataclass(frozen=True)
class Hybrid(DeclaredLoss["BoundHybrid"]):
    """−Σ_i M_yi log softmax_i(s − log d), M = G diag(d)⁻¹.

    The weight of an example is Σ_i M_yi. A weight of 0 is replaced by a tiny positive weight, so
    that the weighted mean over a batch of such examples is 0 instead of 0/0.
    """

    d: PerClass | Literal["gains"]
    """Vector d over classes, or "gains" for the diagonal of G.

    With gains over groups, the diagonal is averaged by training counts: Σ_g n_yg/n_y · G_gyy.
    """
    start: StartGains = AverageRecall()
    """Gains at the start of training."""

    def parts(self, gains: Gains, counts: TrainingCounts) -> HybridParts:
        """M and log d, after negative gains are made non-negative."""
        mixture = by_cell(non_negative(gains), counts.shape[1])
        if self.d == "gains":
            labels, n = np.arange(len(counts)), counts.sum(1, keepdims=True)
            own = floored(mixture[labels, :, labels])
            mixture[labels, :, labels] = own
            d = (own * (counts / n)).sum(1)
        else:
            d = self.d(counts.sum(1))
        return HybridParts((mixture / d).reshape(counts.size, -1), np.log(d))

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundHybrid:
        """Tensors for one training set, at the starting gains; counts is [classes, groups]."""
        from evenhand.losses.cost_kernel import BoundHybrid

        def parts(gains: Gains) -> HybridParts:
            return self.parts(gains, counts)

        return BoundHybrid.at(self.start(counts.sum(1)), parts, counts.size, device)


RE_WEIGHTED = Hybrid(ONE)
"""d = 1, M = G. With a diagonal G, −G_yy log softmax_y(s)."""
HYBRID_A = Hybrid(InversePrior())
"""d = 1/π. The shift is that of average recall for all values of the multipliers."""
HYBRID_B = Hybrid("gains")
"""d = diag G. M has a unit diagonal, so a diagonal G is expressed by the shift alone."""


@dataclass(frozen=True)
class LogitAdjusted(Hybrid):
    """−log softmax_y(s − log diag G): `HYBRID_B` for diagonal gains over classes only.

    With G = diag(1/π) it is logit adjustment with τ = 1 (menon2021long). Gains over groups are not
    supported, because a shift for each group would not be minimised by the Bayes decision.
    """

    d: PerClass | Literal["gains"] = "gains"
    """Always "gains": d is the diagonal of G."""

    def parts(self, gains: Gains, counts: TrainingCounts) -> HybridParts:
        """M = identity and log d = log diag G. Raises `SpecError` for gains that are not diagonal.

        A negative gain, which an upper bound can cause, is replaced by 0: its class is never the
        decision.
        """
        over_classes(gains, "logit-adjusted")
        diagonal = np.diag(gains)
        if (gains != np.diag(diagonal)).any() or diagonal.max() <= 0:
            what = "the logit-adjusted loss is for diagonal gains, not all of them negative"
            right = (
                "goals and bounds of recall and accuracy have them; coverage and precision have not"
            )
            raise SpecError([Mistake(what, (), right, "use a hybrid or the re-weighted loss")])
        return super().parts(np.diag(np.maximum(diagonal, 0)), counts)


@dataclass(frozen=True)
class SoftmaxShifted(DeclaredLoss["BoundSoftmaxShifted"]):
    """−log(K q_y − β_y/α_y) for G = diag(α) + 1 βᵀ.

    At its minimum K q − β/α = p, so that α q ∝ α p + β. The formula is defined where all β ≤ 0 and
    K > 0; where β_y > 0 the argument of the logarithm can be negative. The practical variant of the
    paper is in an appendix that was not available to us. We offer three variants:

    shifted     β − max β gives the same decision with all β ≤ 0. The minimum is that above where
                p_y ≥ −β_y/α_y for all y; elsewhere q_y = 0 and the decision may differ. Raises
                `SpecError` where K ≤ 0.
    linearised  Negative gains are shifted, so that β ≥ 0 and K ≥ 1. Where β_y > 0 the logarithm is
                replaced by its tangent below epsilon. The minimum is that above where every
                p_y ≥ epsilon.
    hybrid      The formula is used where all β ≤ 0 and K > 0, with the same minimum as "shifted";
                otherwise the hybrid loss with d = 1/π is used.
    """

    variant: Variant = "linearised"
    """Treatment of gains for which the formula is not defined."""
    epsilon: float = 0.01
    """Argument of the logarithm below which its tangent is used.

    0.01 is our choice: where β_y > 0, no slope with respect to q_y is steeper than 100 K.
    """
    start: StartGains = AverageRecall()
    """Gains at the start of training."""

    def parts(self, gains: Gains, counts: TrainingCounts) -> ShiftedParts | None:
        """log α, β/α and log K of the variant; None where the hybrid loss is used instead."""
        alpha, beta = diagonal_and_columns(gains)
        if self.variant == "shifted":
            beta = beta - beta.max()
        elif self.variant == "linearised":
            beta = beta - min(0.0, float(beta.min()))
        ratio = beta / alpha
        k = 1 + float(ratio.sum())
        if self.variant == "hybrid" and (k <= 0 or ratio.max() > 0):
            return None
        if k <= 0:
            what = f"the shifted softmax loss has K = 1 + Σ β/α = {k:.3g}, and needs K > 0"
            right = "variants 'linearised' and 'hybrid' take any multipliers"
            raise SpecError([Mistake(what, (), right, "or take a smaller step for λ")])
        return ShiftedParts(np.log(alpha), ratio, float(np.log(k)))

    def _bound(self, counts: TrainingCounts, device: torch.device | str) -> BoundSoftmaxShifted:
        """Tensors for one training set, at the starting gains; counts is [classes, groups]."""
        from evenhand.losses.cost_kernel import BoundSoftmaxShifted

        def parts(gains: Gains) -> ShiftedParts | None:
            return self.parts(gains, counts)

        fallback = HYBRID_A.bind(counts, device) if self.variant == "hybrid" else None
        start = self.start(counts.sum(1))
        return BoundSoftmaxShifted.at(
            start, parts, fallback, device, epsilon=self.epsilon, n_groups=counts.shape[1]
        )
