"""How the losses of a batch become one number where (label, group) cells count, as declarations.

`reduction_kernel.py` holds the tensors; `bind` imports it. A cell's risk is the mean of the losses
of its examples, weights of the loss included: on top of an adjusted loss it is the adjusted risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evenhand.declared.labels import Labels, TrainingCounts
from evenhand.errors import DataError, Mistake, SpecError
from evenhand.losses.per_cell import present_cells

if TYPE_CHECKING:
    import torch

    from evenhand.losses.reduction_kernel import BoundGroupDRO, BoundRiskGaps


@dataclass(frozen=True)
class GroupDRO:
    """Σ_s q_s L_s, where q moves before each step (sagawa2020distributionally, Algorithm 1).

        q_s ← q_s · exp(eta · (L_s + adjustment / √N_s)),   then Σ q = 1

    L_s is the risk of cell s in the batch, N_s its training examples; q begins uniform. A cell that
    is not in the batch keeps its q but for the normalisation, and adds nothing to the sum. The
    released code moves it by the adjustment, too, and adjusts only where all cells would be
    adjusted by more than 0; without adjustment the two are the same.
    """

    eta: float = 0.01
    adjustment: float = 0.0

    def check(self, labels: Labels) -> None:
        """Any problem has cells: with one group they are its classes."""

    def bind(
        self,
        counts: TrainingCounts,
        device: torch.device | str,
        *,
        classes: Sequence[str],
        groups: Sequence[str],
    ) -> BoundGroupDRO:
        """With q as it begins. Raises `DataError` for a cell without an example."""
        from evenhand.losses.reduction_kernel import BoundGroupDRO

        n = present_cells(counts, classes=classes, groups=groups)
        names = tuple(f"{label}/{group}" for label in classes for group in groups)
        return BoundGroupDRO.uniform(
            self.eta, self.adjustment / np.sqrt(n.ravel()), names, device=device
        )


@dataclass(frozen=True)
class RiskGaps:
    """share · mean + (1 − share) · Σ_y (max_g L_yg − min_g L_yg); share in [0, 1].

    With two classes and two groups the sum is li2021autobalance's L_deo, which has no ½. A class of
    which a batch holds fewer than two groups adds no gap there. The gap of a small batch is too
    large on average, by the noise of its cells; the paper says nothing of batches.
    """

    share: float = 0.0

    def check(self, labels: Labels) -> None:
        """Raises `SpecError` where there is one group."""
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
        """Raises `DataError` for a cell without an example, and where there is one group."""
        from evenhand.losses.reduction_kernel import BoundRiskGaps

        present_cells(counts, classes=classes, groups=groups)
        if counts.shape[1] == 1:
            # Where only the files say how many groups there are, nobody could check before.
            raise DataError(
                f"one group alone ({groups[0]}) has no gap to another\n"
                "  differences of risks between groups need a problem with two or more"
            )
        return BoundRiskGaps(self.share, counts.shape)
