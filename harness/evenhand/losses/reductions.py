"""Reductions of the losses of a batch to one number: over (label, group) cells, or the worst share.

These are the declarations; `reduction_kernel.py` holds the tensors. The risk of a cell is the mean
loss of its examples, weights of the loss included. With an adjusted loss it is the adjusted risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.errors import DataError, Mistake, SpecError
from evenhand.losses.per_cell import present_cells

if TYPE_CHECKING:
    import torch

    from evenhand.losses.reduction_kernel import BoundCVaR, BoundGroupDRO, BoundRiskGaps


@dataclass(frozen=True)
class GroupDRO:
    """Σ_s q_s L_s, with q updated before each step (sagawa2020distributionally, Algorithm 1).

        q_s ← q_s · exp(eta · (L_s + adjustment / √N_s)),   then Σ q = 1

    L_s is the risk of cell s in the batch and N_s its number of training examples; q is uniform at
    the start. A cell without an example in the batch adds nothing to the sum, and its q changes by
    the normalisation alone. The released code also updates such a cell by the adjustment, and
    adjusts only if the adjustment of every cell is positive. Without adjustment the two agree.
    """

    eta: float = 0.01
    """Step size of the update of q."""
    adjustment: float = 0.0
    """Generalisation adjustment, divided by √N_s for cell s."""

    def check(self, labels: Labels) -> None:
        """Accept every problem: with one group, the cells are the classes."""

    def bind(
        self,
        counts: TrainingCounts,
        device: torch.device | str,
        *,
        classes: Sequence[str],
        groups: Sequence[str],
    ) -> BoundGroupDRO:
        """Bind to one training set, with uniform q.

        Raises `DataError` for a cell without an example.
        """
        from evenhand.losses.reduction_kernel import BoundGroupDRO

        n = present_cells(counts, classes=classes, groups=groups)
        names = tuple(f"{label}/{group}" for label in classes for group in groups)
        return BoundGroupDRO.uniform(
            self.eta, self.adjustment / np.sqrt(n.ravel()), names, device=device
        )


@dataclass(frozen=True)
class RiskGaps:
    """share · mean + (1 − share) · Σ_y (max_g L_yg − min_g L_yg).

    With two classes and two groups the sum is L_deo of li2021autobalance, which has no factor ½. A
    class with fewer than two groups in a batch adds no gap. The gap of a small batch is biased
    upwards by the noise of its cells; the paper does not discuss batches.
    """

    share: float = 0.0
    """Weight of the mean loss, in [0, 1]."""

    def check(self, labels: Labels) -> None:
        """Check the problem. Raises `SpecError` for a problem with one group."""
        if labels.n_groups == 1:
            what = "one group alone has no gap to another"
            raise SpecError([Mistake(what, (), "name a problem with two groups or more")])

    def bind(
        self,
        counts: TrainingCounts,
        device: torch.device | str,
        *,
        classes: Sequence[str],
        groups: Sequence[str],
    ) -> BoundRiskGaps:
        """Bind to one training set.

        Raises `DataError` for a cell without an example and for data with one group.
        """
        from evenhand.losses.reduction_kernel import BoundRiskGaps

        present_cells(counts, classes=classes, groups=groups)
        if counts.shape[1] == 1:
            # `check` cannot find this where the number of groups is known from the files alone.
            raise DataError(
                f"one group alone ({groups[0]}) has no gap to another\n"
                "  differences of risks between groups need a problem with two or more"
            )
        return BoundRiskGaps(self.share, counts.shape)


@dataclass(frozen=True)
class CVaR:
    """Conditional value at risk: the mean of the largest share alpha of the losses of a batch.

        max_q Σ_i q_i ℓ_i   subject to   0 ≤ q_i ≤ 1/(alpha · n),   Σ q = 1

    levy2020large, on each batch of n examples, without regularisation; the formula is quoted from
    memory and was not verified. Where alpha · n is no whole number, the smallest loss that counts
    has the rest of the weight. The gradient of a batch is biased for that of the training set, the
    less the larger the batch.
    """

    alpha: float
    """Share of the examples, in (0, 1]; 1 is the mean."""
    uses_cells: ClassVar[bool] = False
    """It does not depend on the cells of the examples."""

    def check(self, labels: Labels) -> None:
        """Accept every problem."""

    def bind(
        self,
        counts: TrainingCounts,
        device: torch.device | str,
        *,
        classes: Sequence[str],
        groups: Sequence[str],
    ) -> BoundCVaR:
        """Bind to one training set, of which it needs nothing."""
        from evenhand.losses.reduction_kernel import BoundCVaR

        return BoundCVaR(self.alpha)
