"""Losses for a gain matrix: minimised, they predict argmax_j Σ_i G_ij p_i (narasimhan2021training).

    G[i, j]  gain of predicting j for label i, or G[g, i, j] for label i of group g; it may change
             while the loss trains
    s, p     logits, and class probabilities of the input

    re-weighted        −Σ_i G_yi log softmax_i(s)
    logit-adjusted     −log softmax_y(s − log diag G)                      G diagonal
    hybrid             −Σ_i M_yi log softmax_i(s − log d),   M = G diag(d)⁻¹
    softmax-shifted    −log(K q_y − β_y/α_y),   q = softmax(s − log α),   K = 1 + Σ_y β_y/α_y
                                                                           G = diag(α) + 1 βᵀ

The hybrid with d = 1 is the re-weighted loss, and with d = diag G of a diagonal G the
logit-adjusted one. With any d > 0 its minimum is s = log(Gᵀp), up to a constant.

With gains over groups M is G_gij / d_j, a row for each (label, group) cell, and the minimum of the
hybrid s_j = log Σ_gi G_gij p(g, i|x): the decision of a classifier that does not see the group.

A number added to a row of G moves Σ_i G_ij p_i by as much for all j, so it changes no decision.
Negative gains, which would leave a weighted loss without a lower bound, are made non-negative that
way; the paper does not say how.
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
    """The gains before the first estimate, from the training counts."""

    def __call__(self, counts: ClassCounts) -> Gains: ...


@dataclass(frozen=True)
class AverageRecall:
    """G = diag(1/(m π)): uniform multipliers under a worst recall, none under constraints."""

    def __call__(self, counts: ClassCounts) -> Gains:
        return np.asarray(np.diag(InversePrior()(counts) / counts.size))


@dataclass(frozen=True)
class Hybrid(DeclaredLoss["BoundHybrid"]):
    """−Σ_i M_yi log softmax_i(s − log d), M = G diag(d)⁻¹; d is a vector or G's own diagonal.

    Over groups that diagonal is their mean by training counts: Σ_g n_yg/n_y · G_gyy.

    An example weighs Σ_i M_yi, or next to nothing where that is 0: a batch of such examples alone
    has a weighted mean of 0, not 0/0.
    """

    d: PerClass | Literal["gains"]
    start: StartGains = AverageRecall()

    def parts(self, gains: Gains, counts: TrainingCounts) -> HybridParts:
        """M and log d for these gains, made non-negative first."""
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
"""d = 1/π: the shift is that of average recall, whatever the multipliers."""
HYBRID_B = Hybrid("gains")
"""d = diag G: M has a unit diagonal, and all of a diagonal G is in the shift."""


@dataclass(frozen=True)
class LogitAdjusted(Hybrid):
    """−log softmax_y(s − log diag G): `HYBRID_B`, refusing what its formula has no place for.

    With G = diag(1/π) it is logit adjustment with τ = 1 (menon2021long). A shift of its own for
    each group would have no minimum at the Bayes decision.
    """

    d: PerClass | Literal["gains"] = "gains"

    def parts(self, gains: Gains, counts: TrainingCounts) -> HybridParts:
        """The identity and log diag G. Raises `SpecError` for other gains than a diagonal.

        A class whose gain is negative, as an upper bound can make it, is never the decision: its
        gain counts as 0.
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
    """−log(K q_y − β_y/α_y) for G = diag(α) + 1 βᵀ, as every β ≤ 0 with K > 0 allows.

    At its minimum K q − β/α = p, so that α q ∝ α p + β. Where β_y > 0 the logarithm's argument can
    be negative. The paper's practical variant is in an appendix that we have not seen; ours are

    shifted     β − max β, the same decision with all β ≤ 0. Its minimum is the above where
                p_y ≥ −β_y/α_y for all y; elsewhere q_y = 0 and the decision may differ. Raises
                `SpecError` where K ≤ 0.
    linearised  β ≥ 0, by the shift of negative gains, so K ≥ 1; where β_y > 0 the logarithm goes on
                below epsilon as its tangent. Its minimum is the above where every p_y ≥ epsilon.
    hybrid      as it stands where all β ≤ 0 and K > 0, with the same minimum as shifted; else the
                hybrid with d = 1/π.

    epsilon = 0.01 is ours: where β_y > 0 no slope by q_y is steeper than 100 K.
    """

    variant: Variant = "linearised"
    epsilon: float = 0.01
    start: StartGains = AverageRecall()

    def parts(self, gains: Gains, counts: TrainingCounts) -> ShiftedParts | None:
        """α, β and K in the variant's form; None where `hybrid` steps in."""
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
